"""8-bit execution against float32, in onnxruntime: python -m benchmarks.int8 [--rounds 9] [--calibrate train-0.zip train-8.zip] [--judge valid.zip]
The shipped graph holds 8-bit weights that are made float when it is loaded. As it is; convolutions in 8 bits with scales taken from each picture (dynamic) or from 200 calibration photos (static, QDQ, a
scale for each channel of the weights), all of them or with the last layers left in float. How long each takes to load, to run first and later, and how far its colours lie from float32's on photos that did
not calibrate it. Without zips scikit-image's own pictures have to do for both."""
import argparse, logging, tempfile, time
from pathlib import Path
import numpy as np, onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from skimage import data
from colorize_nb.color import L2net, lightness, net2ab, resize
from colorize_nb.train.data import PhotoSet
from colorize_nb.network.onnx_graph import whole_graph
from colorize_nb.network.weights import model_bytes
from .common import alternate, machine, save, table, tell

def seen(im): # an array
    L = L2net(resize(lightness(im), (192,224)))[None,None].astype(np.float32)
    return dict(L=L, hints=np.zeros((1,3,48,56), np.float32))

def pictures(zips, n, names):
    "`n` photos, evenly from the zips, or scikit-image's"
    if not zips: return [seen(getattr(data, k)()) for k in names]
    sets = [PhotoSet(z) for z in zips]
    return [seen(s[k]) for s in sets for k in s.names[::len(s)//(n//len(sets))]][:n]

def session(path, plain=False):
    opt = ort.SessionOptions()
    opt.log_severity_level,opt.intra_op_num_threads = 3,1  # as the package does
    if plain: opt.add_session_config_entry('session.disable_quant_qdq', '1')
    return ort.InferenceSession(str(path), opt, providers=['CPUExecutionProvider'])

def float_graph(whole, dst):
    "The shipped graph with float weights in it"
    g = onnx.load_from_string(whole)
    init = {i.name: numpy_helper.to_array(i) for i in g.graph.initializer}
    for n in [n for n in g.graph.node if n.op_type == 'DequantizeLinear']:
        w,s = (init[i] for i in n.input[:2])
        g.graph.node.remove(n); g.graph.initializer.append(numpy_helper.from_array(w*s.reshape(-1, *[1]*(w.ndim-1)).astype(np.float32), n.output[0]))
    used = {i for n in g.graph.node for i in n.input}
    for i in [i for i in g.graph.initializer if i.name not in used]: g.graph.initializer.remove(i)
    onnx.save(g, dst)

class Reader(CalibrationDataReader):
    def __init__(self, xs): self.it = iter(xs)
    def get_next(self): return next(self.it, None)

def last(graph, n):
    "The names of the last convolutions: a decoder's blocks and the heads"
    return [o.name for o in onnx.load(graph).graph.node if o.op_type == 'Conv'][-n:]

def main(rounds, calibrate, judge):
    logging.disable(logging.WARNING)  # the quantizer remarks on every layer
    print(machine())
    xs = pictures(calibrate, 200, ('camera','coins','moon','page','brick','grass','gravel','clock'))
    test = pictures(judge, 50, ('astronaut','coffee','chelsea','rocket'))
    files = model_bytes('default')
    whole = whole_graph(next(b for f,b in files.items() if f.endswith('.onnx')), files)
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        (d/'shipped.onnx').write_bytes(whole)
        float_graph(whole, d/'f.onnx'); quant_pre_process(d/'f.onnx', d/'p.onnx', skip_symbolic_shape=True)
        quantize_dynamic(d/'p.onnx', d/'dynamic.onnx', weight_type=QuantType.QInt8, op_types_to_quantize=['Conv','MatMul','Gemm'])
        def static(name, kept=()):
            quantize_static(d/'p.onnx', d/name, Reader(xs), quant_format=QuantFormat.QDQ, per_channel=True, nodes_to_exclude=list(kept))
        static('static.onnx'); static('decoder.onnx', last(d/'p.onnx', 20))
        make = {(ours := 'as shipped, made float when loaded'): 'shipped', 'as shipped, made float at each run': 'shipped', '8 bits, dynamic': 'dynamic', '8 bits, static': 'static', '8 bits, static, the last 20 of 86 convolutions in float': 'decoder'}
        runs,want,rows = {},None,[]
        for k,f in make.items():
            t0 = time.perf_counter(); s = session(d/f'{f}.onnx', k == ours); t1 = time.perf_counter(); s.run(None, test[0]); t2 = time.perf_counter()
            got = net2ab(np.stack([s.run(None, x)[0] for x in test]))
            want = got if want is None else want
            rows.append((k, t1-t0, t2-t1, np.abs(got-want).mean()))
            runs[k] = lambda s=s: (s.run(None, test[0]), 1)[1]
        ms = table('The network alone', alternate(runs, rounds), ours)
    tell(f'\nCalibrated on {len(xs)} photos, judged on {len(test)} others:\n\n| | load, ms | first photo, ms | later, ms | mean difference in ab |\n|---|---|---|---|---|')
    for k,load,first,off in rows: tell(f'| {k} | {1000*load:.0f} | {1000*first:.0f} | {ms[k]:.0f} | {off:.3f} |')
    save('int8')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--rounds', type=int, default=9)
    for k in ('calibrate', 'judge'): p.add_argument(f'--{k}', nargs='*', default=[])
    main(**vars(p.parse_args()))
