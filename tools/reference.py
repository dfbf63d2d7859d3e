"""The reference pages of the docs, read from the package's source: nothing is imported, so no torch is needed
A page for each module, in the order of the notebooks; a name in `__all__` has its signature, its docstring, and the comment of each parameter."""
import ast, io, json, re, tokenize

FUNCTION = ast.FunctionDef,ast.AsyncFunctionDef

def module_sources(root):
    "Name of a module -> (its notebook, source), in the order of the notebooks"
    found = {}
    package = root/'colorize_nb'
    for f in sorted(package.rglob('*.py')):
        src = f.read_text(encoding='utf-8')
        name = '.'.join(f.relative_to(package).with_suffix('').parts)
        if m := re.search(r'File to edit: [./]+/(nbs/\S+\.ipynb)', src): found[name] = m[1],src
    return dict(sorted(found.items(), key=lambda o: o[1][0]))

def line_comments(src):
    "Line -> (its comment, whether the line has nothing else)"
    tokens = tokenize.generate_tokens(io.StringIO(src).readline)
    return {t.start[0]: (t.string.lstrip('# '), not t.line[:t.start[1]].strip()) for t in tokens if t.type == tokenize.COMMENT and not t.string.startswith('# %%')}

def fields(node):
    "(name, annotation, default) of each parameter as written, with its stars"
    a = node.args
    plain,late = a.posonlyargs+a.args,[None]*(len(a.posonlyargs+a.args)-len(a.defaults))+a.defaults
    yield from ((o.arg, o, d) for o,d in zip(plain, late))
    if a.vararg: yield f'*{a.vararg.arg}',a.vararg,None
    elif a.kwonlyargs: yield '*',None,None
    yield from ((o.arg, o, d) for o,d in zip(a.kwonlyargs, a.kw_defaults))
    if a.kwarg: yield f'**{a.kwarg.arg}',a.kwarg,None

def notes(node, comments):
    "Parameter -> comment, as fastcore's docments read them: the last parameter of a line has its comment, a line without one is about what is returned"
    at,found,waiting = {},{},[]
    for name,arg,_ in fields(node):
        if arg: at[arg.lineno] = name
    if node.returns: at[node.returns.lineno] = 'returns'
    for line in range(node.lineno, max(node.body[0].lineno, node.lineno+1)):
        text,alone = comments.get(line, ('', False))
        if alone: waiting.append(text); continue
        said = text or ' '.join(waiting)  # a line of its own may be a group's title
        if said: found[at.get(line, 'returns')] = said
        waiting = []
    return found

def signature(name, node, width=88):
    "The call with annotations and defaults, on as many lines as it needs"
    args = [n+(f':{ast.unparse(o.annotation)}' if o is not None and o.annotation else '')+(f'={ast.unparse(d)}' if d else '') for n,o,d in fields(node) if n not in ('self', 'cls')]
    end = ')'+(f' -> {ast.unparse(node.returns)}' if node.returns else '')
    one = f"{name}({', '.join(args)}{end}"
    return one if len(one) <= width else f'{name}(\n'+''.join(f'    {o},\n' for o in args)+end

def targets(node):
    ts = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [n.id for t in ts for n in ast.walk(t) if isinstance(n, ast.Name)]

def defined(tree):
    "Public name -> the statement that makes it, in the order of `__all__`, values last"
    exported = next((ast.literal_eval(n.value) for n in tree.body if targets(n) == ['__all__']), [])
    made = {n.name: n for n in ast.walk(tree) if isinstance(n, (ast.ClassDef, *FUNCTION)) and n in tree.body}
    for n in ast.walk(tree):
        for t in targets(n): made.setdefault(t, n)
    return {n: made[n] for n in sorted(exported, key=lambda n: bool(targets(made[n])))}

def patches(tree):
    "(class, function) of each public method that `@patch` adds"
    for n in tree.body:
        if isinstance(n, FUNCTION) and any('patch' in ast.unparse(d) for d in n.decorator_list) and not n.name.startswith('_'):
            yield ast.unparse(n.args.args[0].annotation),n

def sections(nb):
    "Public name -> (heading, anchor) of the notebook's part that defines it"
    from markdown.extensions.toc import slugify, unique
    used,found,here = set(),{},('', '')
    for c in json.loads(nb.read_text(encoding='utf-8'))['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'markdown':
            for h in re.findall(r'^#+ +(.+)$', re.sub(r'^```.*?^```', '', src, flags=re.S|re.M), flags=re.M): here = (h := re.sub(r'[`\\]', '', h)),unique(slugify(h, '-'), used)
        elif re.search(r'^#\|\s*export', src, flags=re.M):
            for n in ast.parse(re.sub(r'^[%!].*$', '', src, flags=re.M)).body: found |= dict.fromkeys([n.name] if hasattr(n, 'name') else targets(n), here)
    return found

class Reference:
    "The pages, as markdown: `pages()` gives name -> text"
    def __init__(self, root):
        self.root,self.modules = root,{}
        for m,(nb,src) in module_sources(root).items():
            tree = ast.parse(src)
            if names := defined(tree): self.modules[m] = dict(nb=nb, doc=ast.get_docstring(tree), names=names, patches=list(patches(tree)), comments=line_comments(src), src=src)
        self.where = {n: m for m,o in self.modules.items() for n in o['names']}

    def prose(self, text, here):
        "A comment or docstring as markdown: nothing in it is markup but code, and a public name leads to its place"
        def code(s): return f'[`{s}`]({self.link(s, here)})' if s in self.where and re.search('[A-Z_0-9]', s) else f'`{s}`'
        parts = re.split(r'`([^`]+)`', text or '')
        return ''.join(code(p) if i%2 else re.sub(r'([\\*_\[\]#])', r'\\\1', p).replace('<', '&lt;').replace('|', '&#124;') for i,p in enumerate(parts))

    def link(self, name, here): return f"{'' if (m := self.where[name]) == here else m+'.md'}#{name}"

    def table(self, said, here):
        if not said: return ''
        return '| parameter | what it is |\n|---|---|\n'+''.join(f"| {k if k == 'returns' else f'`{k}`'} | {self.prose(v, here)} |\n" for k,v in said.items())

    def function(self, name, node, m, own=None):
        said = notes(node, self.modules[own or m]['comments'])
        return f"```python\n{signature(name, node)}\n```\n\n{self.prose(ast.get_docstring(node), m)}\n\n{self.table({k: v for k,v in said.items() if k not in ('self', 'cls')}, m)}"

    def cls(self, name, node, m):
        comments,inner = self.modules[m]['comments'],{n.name: n for n in node.body if isinstance(n, FUNCTION)}
        bases = [ast.unparse(b) for b in node.bases]
        head = f"class {name}{f'({chr(44).join(bases)})' if bases else ''}"
        fs = [n for n in node.body if isinstance(n, ast.AnnAssign)]
        init = inner.get('__init__')
        if init: text = f"```python\n{head}\n{signature(name, init)}\n```"
        elif fs: text = f"```python\n{head}\n"+''.join(f'    {ast.unparse(n)}\n' for n in fs)+'```'
        else: text = f'```python\n{head}\n```'
        said = {k: v for k,v in notes(init, comments).items() if k not in ('self', 'returns')} if init else {n.target.id: comments[n.lineno][0] for n in fs if n.lineno in comments}
        out = [text, self.prose(ast.get_docstring(node), m), self.table(said, m)]
        methods = [(n, m) for k,n in inner.items() if not k.startswith('_')]+[(n, own) for own,o in self.modules.items() for c,n in o['patches'] if c == name]
        methods = [(n, own) for n,own in methods if ast.get_docstring(n) or notes(n, self.modules[own]['comments'])]  # the events of a callback say what they are by their names
        out += [f'### {n.name} {{ #{name}.{n.name} }}\n\n'+self.function(f'{name}.{n.name}', n, m, own) for n,own in methods]
        return '\n\n'.join(out)

    def value(self, name, node, m):
        src = self.modules[m]['src'].splitlines()[node.lineno-1].strip()
        return f"```python\n{re.sub(r'  +#.*', '', src)+' ...'*(node.end_lineno > node.lineno)}\n```\n\n{self.prose(self.modules[m]['comments'].get(node.lineno, ('',))[0], m)}"

    def brief(self, name):
        "A line on a name"
        node = self.modules[self.where[name]]['names'][name]
        if isinstance(node, (ast.ClassDef, *FUNCTION)): return self.prose(ast.get_docstring(node), '')
        return self.prose(self.modules[self.where[name]]['comments'].get(node.lineno, ('',))[0], '')

    def page(self, m):
        o = self.modules[m]
        found = sections(self.root/o['nb'])
        out = [f"# {m}\n\n> {o['doc']}\n\n`from colorize_nb.{m} import ...`, made from [its notebook](../{o['nb']})."]
        for name,node in o['names'].items():
            head,anchor = found.get(name, ('', ''))
            kind = self.function if isinstance(node, FUNCTION) else self.cls if isinstance(node, ast.ClassDef) else self.value
            out += [f'## {name} {{ #{name} }}', kind(name, node, m), f"In the notebook: [{self.prose(head, m)}](../{o['nb']}#{anchor})\n{{ .why }}" if anchor else '']
        return '\n\n'.join(filter(None, out))+'\n'

    def overview(self):
        "All names, a line each"
        out = [f'# Reference\n\n> Every public name, by module: {len(self.where)} names. The comments are those of the source.']
        for m,o in self.modules.items():
            out += [f"## {m}\n\n[`colorize_nb.{m}`]({m}.md): {o['doc']}\n\n"+'\n'.join(f'- [`{n}`]({m}.md#{n}) {self.brief(n)}'.rstrip() for n in o['names'])]
        return '\n\n'.join(out)+'\n'

    def pages(self): return {'reference/index.md': self.overview()}|{f'reference/{m}.md': self.page(m) for m in self.modules}
