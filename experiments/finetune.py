"""What a few minutes of fine-tuning give: python experiments/finetune.py [EPOCHS ...]
(default 3 20 100; four minutes on two quiet cores)
A stained microscope slide (scikit-image's): the left three quarters in tiles to learn from, the right quarter apart.
Each run starts from the weights that ship. Writes results/finetune.csv and results/finetune.jpg, which
nbs/tutorials/finetune_your_photos.ipynb shows; 3 epochs are what it does live, with the same seeds, so that its
table repeats two rows of this one. All networks see the strip at the side that they are trained at, 96 px; the row
`as colorize does it` has the weights that ship as the command uses them, at 240 px and with what cells agree on."""
import sys, tempfile, time
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from colorize_nb import Colorizer
from colorize_nb.train.data import ColorizeDataLoaders
from colorize_nb.train.metrics import to_gray
from colorize_nb.train.learner import colorize_learner
from colorize_nb.train.metrics import evaluate, predict_gray
from fastai.torch_core import set_seed

OUT = Path(__file__).resolve().parent.parent/'results'

def slide(where):
    "35 tiles of 128 px in a folder, and the strip that is kept apart beside it"
    im = data.immunohistochemistry()
    (where/'tiles').mkdir()
    for y in range(0, 385, 64):
        for x in range(0, 257, 64):
            Image.fromarray(im[y:y+128, x:x+128]).save(where/'tiles'/f'{y:03}_{x:03}.png')
    Image.fromarray(im[:, 384:]).save(where/'strip.png')
    return where/'tiles',where/'strip.png'

def tuned(tiles, epochs):
    "A colorizer after so many epochs, the tiles it saw, and the seconds it took"
    set_seed(42, reproducible=True)  # the loaders draw the seed of their order when they are made
    dls = ColorizeDataLoaders.from_folder(tiles, valid_pct=.1, size=96, bs=8, min_chroma=0, num_workers=0, seed=42)
    set_seed(42, reproducible=True)
    learn = colorize_learner(dls, pretrained='default')
    if not epochs: return Colorizer.from_learner(learn),0,0.
    began = time.process_time()  # of the processor, so that a busy computer does not count
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(epochs, 1e-3)
    return Colorizer.from_learner(learn),epochs*len(dls.train_ds),time.process_time()-began

def sheet(pictures):
    "Strips side by side, each under its name"
    w,h = pictures[0][1].size
    out = Image.new('RGB', (len(pictures)*(w+10)-10, h+22), 'white')
    for i,(name,im) in enumerate(pictures):
        out.paste(im.convert('RGB'), (i*(w+10), 22))
        ImageDraw.Draw(out).text((i*(w+10)+w//2, 11), name, 'black', ImageFont.load_default(13), anchor='mm')
    return out

def table_of(runs, rows, strip):
    "The lines of the CSV; `rows`: name, tiles seen, seconds, predictor"
    head = f'# python experiments/finetune.py {" ".join(map(str, runs))}; {torch.get_num_threads()} threads'
    lines = [head+', minutes of the processor; measured on the quarter of the slide that was kept apart',
             'what,tiles_seen,minutes,mae,share,psnr_gain,colourfulness']
    figures = [evaluate(predict, [strip]) for *_,predict in rows]
    gray = figures[0]
    for (what,tiles,seconds,_),m in zip(rows, figures):
        cells = [f'{seconds/60:.1f}', f"{m['mae']:.4f}", f"{m['mae']/gray['mae']:.3f}", f"{m['psnr']-gray['psnr']:.2f}"]
        lines.append(','.join([what, str(tiles), *cells, f"{m['colourfulness']:.1f}"]))
    return '\n'.join(lines)+'\n'

def main(runs):
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as d:
        tiles,strip = slide(Path(d))
        rows = [('gray', 0, 0., predict_gray), ('as colorize does it', 0, 0., Colorizer.from_pretrained().colorize)]
        for epochs in [0, *runs]:
            c,seen,seconds = tuned(tiles, epochs)
            rows.append((f'{epochs} epochs' if epochs else 'shipped', seen, seconds, c.colorize))
            print(rows[-1][:3], flush=True)
        (OUT/'finetune.csv').write_text(table_of(runs, rows, strip))
        gray = to_gray(strip)
        pictures = [('gray', gray), *[(what, predict(gray)) for what,_,_,predict in rows[2:]]]
        sheet([*pictures, ('truth', Image.open(strip))]).save(OUT/'finetune.jpg', quality=92, subsampling=0)

if __name__ == '__main__': main([int(a) for a in sys.argv[1:]] or [3, 20, 100])
