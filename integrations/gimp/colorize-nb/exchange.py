"Pixels into the command `colorize` and out of it, through two pipes; and painted dots as its hints. Needs Python alone, not GIMP."
import os, shutil, struct, subprocess
from array import array

MOST_DOTS = 1000 # as many hints as the command takes

def find_command(given=''): # A path, or '' for the usual places
    "Return the path of the command `colorize`; raises `OSError` with one line that says how to get it"
    home = os.path.join(os.path.expanduser('~'), '.local', 'bin')  # pipx and uv install there; a desktop's PATH may lack it
    found = shutil.which(given) if given else shutil.which('colorize') or shutil.which('colorize', path=home)
    if found: return found
    if given: raise OSError(f'{given}: no such command')
    raise OSError('the command colorize is not found: install colorize_nb (pipx install, in a clone), or give the path of the command')

def tiff(width, height, pixels): # Bytes (`array('B')`) or 16-bit words (`array('H')`): red, green, blue
    "Return an RGB picture as a file"
    data = pixels.tobytes()
    order = 'II' if struct.pack('=H', 1) == b'\1\0' else 'MM'
    bits = 8*pixels.itemsize
    after = 8+len(data)+len(data)%2
    depth = struct.pack('=3H', bits, bits, bits)
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, after), (259, 4, 1, 1), (262, 4, 1, 2), (273, 4, 1, 8),
            (277, 4, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data))]
    directory = struct.pack('=H', len(tags))+b''.join(struct.pack('=HHII', *t) for t in tags)+bytes(4)
    return order.encode()+struct.pack('=HI', 42, after+6)+data+bytes(len(data)%2)+depth+directory

def directory_of(file): # Bytes
    "Return the byte order of a TIFF, and the values of its first directory's numbers"
    order = '<' if file[:2] == b'II' else '>'
    at, = struct.unpack_from(order+'I', file, 4)
    count, = struct.unpack_from(order+'H', file, at)
    found = {}
    for entry in range(at+2, at+2+12*count, 12):
        tag,kind,n = struct.unpack_from(order+'HHI', file, entry)
        if kind not in (3, 4): continue
        form = f"{order}{n}{'H' if kind == 3 else 'I'}"
        place = entry+8 if struct.calcsize(form) <= 4 else struct.unpack_from(order+'I', file, entry+8)[0]
        found[tag] = struct.unpack_from(form, file, place)
    return order,found

def pixels_of(file, width, height): # Bytes of a TIFF without compression
    "Return the red, green and blue of a result, as bytes or 16-bit words; raises `ValueError` for any other file"
    try:
        order,tags = directory_of(file)
        data = b''.join(file[at:at+n] for at,n in zip(tags[273], tags[279]))
        layout = tags[256][0],tags[257][0],tags.get(259, (1,))[0],tags.get(277, (1,))[0],tags.get(284, (1,))[0]
    except (struct.error, KeyError): raise ValueError('colorize returned no picture') from None
    pixels = array('B' if tags[258][0] == 8 else 'H', data)
    if layout != (width, height, 1, 3, 1) or len(pixels) != 3*width*height:
        raise ValueError('colorize returned another kind of picture: its version does not fit')
    if pixels.itemsize == 2 and (order == '<') != (struct.pack('=H', 1) == b'\1\0'): pixels.byteswap()
    return pixels

def colorize(command, width, height, pixels, flags=()): # As from `find_command`, as for `tiff`; options of the command
    "Return pixels in colour, of the same size and depth; raises `ValueError` with the command's own line"
    done = subprocess.run([command, '-', '-o', '-', '--quiet', '--no-note', *flags], input=tiff(width, height, pixels),
                          capture_output=True, creationflags=getattr(subprocess, 'CREATE_NO_WINDOW', 0))
    if done.returncode == 0: return pixels_of(done.stdout, width, height)
    lines = done.stderr.decode('utf-8', 'replace').strip().splitlines()
    raise ValueError(lines[-1] if lines else f'{command} ended with status {done.returncode}')

def runs(row): # Bytes, 1 where something is painted
    "Yield the (first, last) of each run of ones"
    first = row.find(1)
    while first >= 0:
        end = row.find(0, first)
        last = (end if end >= 0 else len(row))-1
        yield first,last
        first = row.find(1, last+1)

def joined(height, rows): # A row's number -> its (first, last) runs
    "Return the spots that runs form, each a list of (y, first, last) in order; runs that touch at a corner are one spot"
    spots = []
    before = []  # (first, last, spot) of the row above; a spot may have been merged into another
    merged = {}  # id of a spot -> the spot that took its runs
    def whole(spot):
        while id(spot) in merged: spot = merged[id(spot)]
        return spot
    for y in range(height):
        now = []
        for first,last in rows(y):
            above = [whole(spot) for a,b,spot in before if a <= last+1 and b >= first-1]
            spot = above[0] if above else []
            if not above: spots.append(spot)
            for other in above[1:]:
                if whole(other) is spot: continue
                spot += other
                merged[id(other)] = spot
            spot.append((y, first, last))
            now.append((first, last, spot))
        before = now
    return [sorted(spot) for spot in spots if id(spot) not in merged]

def dots(width, height, rgba): # `array('B')`: red, green, blue, alpha
    "Return the (x, y, colour) of each spot that is painted, as '#rrggbb'; raises `ValueError` where there are none, or too many"
    painted = rgba[3::4].tobytes().translate(bytes(128)+b'\1'*128)
    spots = joined(height, lambda y: runs(painted[y*width:(y+1)*width]))
    if not spots: raise ValueError('no dots are painted on the layer of hints')
    if len(spots) > MOST_DOTS: raise ValueError(f'{len(spots)} dots on the layer of hints, more than {MOST_DOTS}')
    return [spot_color(spot, width, rgba) for spot in spots]

def spot_color(spot, width, rgba): # Its runs, in order
    "Return a place in the middle of a spot, and the colour there"
    y,first,last = spot[len(spot)//2]
    x = (first+last)//2
    at = 4*(y*width+x)
    return x,y,'#{:02x}{:02x}{:02x}'.format(*rgba[at:at+3])

def with_alpha(rgb, rgba): # Arrays of one kind
    "Return red, green and blue with the alpha of another picture"
    out = array(rgba.typecode, rgba)
    for channel in range(3): out[channel::4] = rgb[channel::3]
    return out
