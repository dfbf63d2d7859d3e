"""The reference pages of the docs, read from the package's source: nothing is imported, so no torch is needed
A page for each module, in the order of the notebooks; a name in `__all__` has its signature, its docstring, and the
comment of each parameter."""
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
    found = {}
    for t in tokenize.generate_tokens(io.StringIO(src).readline):
        if t.type != tokenize.COMMENT or t.string.startswith('# %%'): continue
        alone = not t.line[:t.start[1]].strip()
        found[t.start[0]] = t.string.lstrip('# '),alone
    return found

def fields(node):
    "(name, annotation, default) of each parameter as written, with its stars"
    a = node.args
    plain = a.posonlyargs+a.args
    defaults = [None]*(len(plain)-len(a.defaults))+a.defaults
    yield from ((o.arg, o, d) for o,d in zip(plain, defaults))
    if a.vararg: yield f'*{a.vararg.arg}',a.vararg,None
    elif a.kwonlyargs: yield '*',None,None
    yield from ((o.arg, o, d) for o,d in zip(a.kwonlyargs, a.kw_defaults))
    if a.kwarg: yield f'**{a.kwarg.arg}',a.kwarg,None

def notes(node, comments):
    """Parameter -> comment, as fastcore's docments read them: the comment of a line belongs to its last parameter,
    that of a line without one to the result"""
    at = {arg.lineno: name for name,arg,_ in fields(node) if arg}
    if node.returns: at[node.returns.lineno] = 'returns'
    found = {}
    waiting = []  # comments on lines of their own
    for line in range(node.lineno, max(node.body[0].lineno, node.lineno+1)):
        text,alone = comments.get(line, ('', False))
        if alone:
            waiting.append(text)
            continue
        said = text or ' '.join(waiting)  # a line of its own may be a group's title
        if said: found[at.get(line, 'returns')] = said
        waiting = []
    return found

def parameter(name, arg, default):
    "A parameter as it is written"
    of = f':{ast.unparse(arg.annotation)}' if arg is not None and arg.annotation else ''
    return name+of+(f'={ast.unparse(default)}' if default else '')

def signature(name, node, width=88):
    "The call with annotations and defaults, on as many lines as it needs"
    args = [parameter(*field) for field in fields(node) if field[0] not in ('self', 'cls')]
    end = ')'+(f' -> {ast.unparse(node.returns)}' if node.returns else '')
    one = f"{name}({', '.join(args)}{end}"
    return one if len(one) <= width else f'{name}(\n'+''.join(f'    {o},\n' for o in args)+end

def targets(node):
    "The names that a statement assigns"
    if isinstance(node, ast.Assign): left = node.targets
    elif isinstance(node, ast.AnnAssign): left = [node.target]
    else: return []
    return [n.id for t in left for n in ast.walk(t) if isinstance(n, ast.Name)]

def defined(tree):
    "Public name -> the statement that makes it, in the order of `__all__`, values last"
    exported = next((ast.literal_eval(n.value) for n in tree.body if targets(n) == ['__all__']), [])
    made = {n.name: n for n in tree.body if isinstance(n, (ast.ClassDef, *FUNCTION))}
    for n in ast.walk(tree):
        for t in targets(n): made.setdefault(t, n)
    return {n: made[n] for n in sorted(exported, key=lambda n: bool(targets(made[n])))}

def patches(tree):
    "(class, function) of each public method that `@patch` adds"
    for n in tree.body:
        if not isinstance(n, FUNCTION) or n.name.startswith('_'): continue
        if any('patch' in ast.unparse(d) for d in n.decorator_list): yield ast.unparse(n.args.args[0].annotation),n

def headings(src):
    "The headings of a Markdown cell, without what is code in a fence"
    text = re.sub(r'^```.*?^```', '', src, flags=re.S|re.M)
    return [re.sub(r'[`\\]', '', h) for h in re.findall(r'^#+ +(.+)$', text, flags=re.M)]

def sections(nb):
    "Public name -> (heading, anchor) of the notebook's part that defines it"
    from markdown.extensions.toc import slugify, unique
    used = set()
    found = {}
    here = '',''
    for c in json.loads(nb.read_text(encoding='utf-8'))['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'markdown':
            for h in headings(src): here = h,unique(slugify(h, '-'), used)
        elif re.search(r'^#\|\s*export', src, flags=re.M):
            for n in ast.parse(re.sub(r'^[%!].*$', '', src, flags=re.M)).body:
                found |= dict.fromkeys([n.name] if hasattr(n, 'name') else targets(n), here)
    return found

def plain(text):
    "Text in which nothing is markup"
    return re.sub(r'([\\*_\[\]#])', r'\\\1', text).replace('<', '&lt;').replace('|', '&#124;')

def fence(code): return f'```python\n{code}\n```'

class Reference:
    "The pages, as markdown: `pages()` gives name -> text"
    def __init__(self, root):
        self.root = root
        self.modules = {}
        for m,(nb,src) in module_sources(root).items():
            tree = ast.parse(src)
            names,added = defined(tree),list(patches(tree))
            if not names and not added: continue
            self.modules[m] = dict(nb=nb, doc=ast.get_docstring(tree), names=names, patches=added, comments=line_comments(src), src=src)
        self.where = {n: m for m,o in self.modules.items() for n in o['names']}

    def home(self, m):
        "The module on whose page a module's names are: its own, or that of the class to which it adds methods; '' where it has none"
        o = self.modules.get(m)
        if not o: return ''
        return m if o['names'] else self.where.get(o['patches'][0][0], '')

    def with_pages(self): return {m: o for m,o in self.modules.items() if o['names']}

    def comments(self, m): return self.modules[m]['comments']
    def comment(self, m, line): return self.comments(m).get(line, ('',))[0]

    def prose(self, text, here):
        "A comment or docstring as markdown: a public name leads to its place, nothing else is markup but code"
        def code(s):
            known = s in self.where and re.search('[A-Z_0-9]', s)
            return f'[`{s}`]({self.link(s, here)})' if known else f'`{s}`'
        parts = re.split(r'`([^`]+)`', text or '')
        return ''.join(code(p) if i%2 else plain(p) for i,p in enumerate(parts))

    def link(self, name, here):
        m = self.where[name]
        return f"{'' if m == here else m+'.md'}#{name}"

    def table(self, said, here):
        if not said: return ''
        def row(k, v): return f"| {k if k == 'returns' else f'`{k}`'} | {self.prose(v, here)} |\n"
        return '| parameter | what it is |\n|---|---|\n'+''.join(row(k, v) for k,v in said.items())

    def function(self, name, node, m, own=None):
        "A function, or a method that the module `own` adds"
        said = notes(node, self.comments(own or m))
        said = {k: v for k,v in said.items() if k not in ('self', 'cls')}
        return f"{fence(signature(name, node))}\n\n{self.prose(ast.get_docstring(node), m)}\n\n{self.table(said, m)}"

    def head(self, name, node, init, values):
        "The code that makes an object of a class"
        bases = ', '.join(ast.unparse(b) for b in node.bases)
        head = f'class {name}({bases})' if bases else f'class {name}'
        if init: return fence(f'{head}\n{signature(name, init)}')
        return fence('\n'.join([head, *(f'    {ast.unparse(n)}' for n in values)]))

    def methods(self, name, inner, m):
        "(function, its module) of each public method that has something to say; events of callbacks have not"
        added = [(n, own) for own,o in self.modules.items() for c,n in o['patches'] if c == name]
        every = [(n, m) for k,n in inner.items() if not k.startswith('_')]+added
        return [(n, own) for n,own in every if ast.get_docstring(n) or notes(n, self.comments(own))]

    def cls(self, name, node, m):
        comments = self.comments(m)
        inner = {n.name: n for n in node.body if isinstance(n, FUNCTION)}
        values = [n for n in node.body if isinstance(n, ast.AnnAssign)]
        init = inner.get('__init__')
        if init: said = {k: v for k,v in notes(init, comments).items() if k not in ('self', 'returns')}
        else: said = {n.target.id: comments[n.lineno][0] for n in values if n.lineno in comments}
        out = [self.head(name, node, init, values), self.prose(ast.get_docstring(node), m), self.table(said, m)]
        for n,own in self.methods(name, inner, m):
            out.append(f'### {n.name} {{ #{name}.{n.name} }}\n\n'+self.function(f'{name}.{n.name}', n, m, own))
        return '\n\n'.join(out)

    def value(self, name, node, m):
        line = self.modules[m]['src'].splitlines()[node.lineno-1].strip()
        code = re.sub(r'  +#.*', '', line)+' ...'*(node.end_lineno > node.lineno)
        return f"{fence(code)}\n\n{self.prose(self.comment(m, node.lineno), m)}"

    def brief(self, name):
        "A line on a name"
        m = self.where[name]
        node = self.modules[m]['names'][name]
        if isinstance(node, (ast.ClassDef, *FUNCTION)): return self.prose(ast.get_docstring(node), '')
        return self.prose(self.comment(m, node.lineno), '')

    def part(self, name, node, m):
        if isinstance(node, FUNCTION): return self.function(name, node, m)
        if isinstance(node, ast.ClassDef): return self.cls(name, node, m)
        return self.value(name, node, m)

    def page(self, m):
        o = self.modules[m]
        found = sections(self.root/o['nb'])
        out = [f"# {m}\n\n> {o['doc']}\n\n`from colorize_nb.{m} import ...`, made from [its notebook](../{o['nb']})."]
        for name,node in o['names'].items():
            out += [f'## {name} {{ #{name} }}', self.part(name, node, m)]
            head,anchor = found.get(name, ('', ''))
            why = f"In the notebook: [{self.prose(head, m)}](../{o['nb']}#{anchor})\n{{ .why }}"
            if anchor: out.append(why)
        return '\n\n'.join(filter(None, out))+'\n'

    def overview(self):
        "All names, a line each"
        about = f'Every public name, by module: {len(self.where)} names. The comments are those of the source.'
        out = [f'# Reference\n\n> {about}']
        for m,o in self.with_pages().items():
            names = [f'- [`{n}`]({m}.md#{n}) {self.brief(n)}'.rstrip() for n in o['names']]
            out.append(f"## {m}\n\n[`colorize_nb.{m}`]({m}.md): {o['doc']}\n\n"+'\n'.join(names))
        return '\n\n'.join(out)+'\n'

    def pages(self):
        every = {f'reference/{m}.md': self.page(m) for m in self.with_pages()}
        return {'reference/index.md': self.overview()}|every
