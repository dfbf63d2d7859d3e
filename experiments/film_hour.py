"""Memory over an hour of film: python experiments/film_hour.py CLIP FOLDER [--minutes 60] > results/film_hour.csv
Repeats a clip, packets as they are, until it is as long; colorizes it in a process of its own, and reads that
process's memory every ten seconds: seconds since the start, MB resident, MB of the finished segments on the disk.
The last lines are comments: frames, the peak, how much memory grew after the first ten minutes of film."""
import argparse, re, subprocess, sys, time
from pathlib import Path
import av
import numpy as np
from colorize_nb.film_file import Film

def repeated(clip, path, seconds):
    "Write a clip again and again; the number of times"
    with av.open(str(clip)) as src:
        video = src.streams.video[0]
        mine = [video, *src.streams.audio[:1]]
        packets = [p for p in src.demux(mine) if p.size]
        length = float(video.duration*video.time_base)
        times = int(np.ceil(seconds/length))
        with av.open(str(path), 'w') as out:
            made = {s.index: out.add_stream_from_template(s) for s in mine}
            for n in range(times):
                for p in packets:
                    copy = av.Packet(bytes(p))
                    shift = round(n*length/p.time_base)
                    copy.pts = p.pts+shift
                    copy.dts = p.dts+shift
                    copy.time_base = p.time_base
                    copy.duration = p.duration
                    copy.is_keyframe = p.is_keyframe
                    copy.stream = made[p.stream.index]
                    out.mux(copy)
    return times

def resident(pid):
    "MB of memory of a process, now and at the most"
    text = Path(f'/proc/{pid}/status').read_text()
    return [int(re.search(rf'{k}:\s+(\d+)', text)[1])/1024 for k in ('VmRSS','VmHWM')]

def watched(film, result):
    "Colorize a film and print its memory; the readings"
    code = 'import sys; from colorize_nb.film import Colorizer; ' \
           'Colorizer.from_pretrained().colorize_film(*sys.argv[1:], overwrite=True, bar=False)'
    p = subprocess.Popen([sys.executable, '-c', code, str(film), str(result)])
    began = time.monotonic()
    seen = []
    while p.poll() is None:
        time.sleep(10)
        try: now,peak = resident(p.pid)
        except (OSError, TypeError): break  # it ended meanwhile
        disk = sum(f.stat().st_size for f in result.parent.rglob('*') if f.is_file() and f != film)/2**20
        seen.append((time.monotonic()-began, now, peak, disk))
        print(','.join(f'{v:.0f}' for v in (seen[-1][0], now, disk)), flush=True)
    if p.wait(): raise SystemExit(f'ended with {p.returncode}')
    return np.array(seen)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('clip', type=Path)
    a.add_argument('folder', type=Path)
    a.add_argument('--minutes', type=float, default=60)
    o = a.parse_args()
    o.folder.mkdir(parents=True, exist_ok=True)
    film = o.folder/f'hour{o.clip.suffix}'
    repeated(o.clip, film, 60*o.minutes)
    result = o.folder/'color.mp4'
    print('seconds,resident,disk', flush=True)
    seen = watched(film, result)
    with Film(result) as made: frames = sum(1 for _ in made.pictures())
    tenth = len(seen)//10+1
    late = seen[seen[:,0] >= seen[-1,0]*min(.5, 10/o.minutes)][:,1]  # frames take about the same time each
    first,last = np.median(late[:tenth]),np.median(late[-tenth:])
    print(f'# frames {frames}, peak {seen[-1,2]:.0f} MB, after ten minutes of film {first:.0f} MB, at the end {last:.0f} MB')

if __name__ == '__main__': main()
