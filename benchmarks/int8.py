"""8-bit execution against float32, in onnxruntime: python -m benchmarks.int8 [--rounds 9]
The shipped graph holds 8-bit weights that are made float before each convolution. As it is; with that done once when it is loaded; convolutions in 8 bits with scales taken from each picture (dynamic)
or from calibration photos (static, QDQ). How long each takes to load, to run first and later, and how far its colours lie from float32's."""
import argparse, logging, tempfile, time
from pathlib import Path
import numpy as np, onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from skimage import data
from colorize_nb.color import L2net, lightness, net2ab, resize
from colorize_nb.weights import model_files
from .common import alternate, machine, save, table

def pictures(names): return [L2net(resize(lightness(getattr(data, n)()), (160,192)))[None,None].astype(np.float32) for n in names]

def session(path, folded=False):
    opt = ort.SessionOptions()
    opt.log_severity_level,opt.intra_op_num_threads = 3,1  # as the package does
    if folded: opt.add_session_config_entry('session.disable_quant_qdq', '1')
    return ort.InferenceSession(str(path), opt, providers=['CPUExecutionProvider'])

def float_graph(src, dst):
    "The shipped graph with float weights in it"
    g = onnx.load(src)
    init = {i.name: numpy_helper.to_array(i) for i in g.graph.initializer}
    for n in [n for n in g.graph.node if n.op_type == 'DequantizeLinear']:
        w,s = (init[i] for i in n.input[:2])
        g.graph.node.remove(n); g.graph.initializer.append(numpy_helper.from_array(w*s.reshape(-1, *[1]*(w.ndim-1)).astype(np.float32), n.output[0]))
    used = {i for n in g.graph.node for i in n.input}
    for i in [i for i in g.graph.initializer if i.name not in used]: g.graph.initializer.remove(i)
    onnx.save(g, dst)

class Reader(CalibrationDataReader):
    def __init__(self, xs): self.it = iter([{'L': x} for x in xs])
    def get_next(self): return next(self.it, None)

def main(rounds):
    logging.disable(logging.WARNING)  # the quantizer remarks on every layer
    print(machine())
    shipped,xs = model_files('default', '.onnx')[0],pictures(('astronaut','coffee','chelsea','rocket'))
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        float_graph(shipped, d/'f.onnx'); quant_pre_process(d/'f.onnx', d/'p.onnx', skip_symbolic_shape=True)
        quantize_dynamic(d/'p.onnx', d/'dynamic.onnx', weight_type=QuantType.QInt8, op_types_to_quantize=['Conv','MatMul','Gemm'])
        quantize_static(d/'p.onnx', d/'static.onnx', Reader(pictures(('camera','coins','moon','page','brick','grass','gravel','clock'))), quant_format=QuantFormat.QDQ, per_channel=True)
        make = {'float32 graph': lambda: session(d/'f.onnx'), 'as shipped': lambda: session(shipped), 'as shipped, made float when loaded': lambda: session(shipped, True),
                '8 bits, dynamic': lambda: session(d/'dynamic.onnx'), '8 bits, static': lambda: session(d/'static.onnx')}
        runs,want,rows = {},None,[]
        for k,f in make.items():
            t0 = time.perf_counter(); s = f(); t1 = time.perf_counter(); s.run(None, {'L': xs[0]}); t2 = time.perf_counter()
            got = net2ab(np.stack([s.run(None, {'L': x})[0] for x in xs]))
            want = got if want is None else want
            rows.append((k, t1-t0, t2-t1, np.abs(got-want).mean()))
            runs[k] = lambda s=s: (s.run(None, {'L': xs[1]}), 1)[1]
        ms = table('8 bits', alternate(runs, rounds), 'float32 graph')
    print('\n| | load, ms | first photo, ms | later, ms | mean difference in ab |\n|---|---|---|---|---|')
    for k,load,first,off in rows: print(f'| {k} | {1000*load:.0f} | {1000*first:.0f} | {ms[k]:.0f} | {off:.3f} |')
    save('int8')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--rounds', type=int, default=9)
    main(**vars(p.parse_args()))
