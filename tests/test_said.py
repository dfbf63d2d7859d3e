"A file's metadata are carried, or a warning says that they are left out, or they describe the old file. exiftool reads both sides."
import io, re, shutil, struct, subprocess, time, zlib
from xml.etree import ElementTree
import numpy as np, pytest
from PIL import Image
from colorize_nb.files.encode import encode
from colorize_nb.files.photo import open_photo
from colorize_nb.files.tags import Tag, directories, pack_exif, pack_tree, swapped, tag_of
from colorize_nb.files.xmp import split_xmp, tidy_xmp, xmp_note

FMT = {'.jpg':'JPEG', '.png':'PNG', '.tif':'TIFF', '.webp':'WEBP'}
GRAY = np.add.outer(np.arange(30), np.arange(40)*2).astype(np.uint8)

def tool(*args):
    if not shutil.which(args[0]): pytest.skip(f'{args[0]} is missing: apt-get install libimage-exiftool-perl imagemagick libopenjp2-tools')
    return subprocess.run([*map(str, args)], capture_output=True).stdout.decode('utf-8', 'replace')

def told(f):
    "Return (group:name, value) of all tags that exiftool reads, also those that come twice"
    rows = [l.split('\t', 2) for l in tool('exiftool', '-a', '-G1', '-s', '-t', '-n', '-U', '-charset', 'utf8', f).splitlines()]
    return [(f'{r[0]}:{r[1]}', r[2]) for r in rows if len(r) == 3]

def through(src, suffix, xmp=None):
    "Write a file again in another format; return its path, and the photo with its warnings"
    photo = open_photo(src)
    dst = src.parent/f'{src.stem}-out{suffix}'
    dst.write_bytes(encode(photo.picture(), FMT[suffix], photo, photo.xmp if xmp is None else xmp(photo.xmp)))
    return dst,photo

# These describe how a file is stored; of the result they say how that is stored
STORED = re.compile('''(ExifTool|System|File|JFIF|ICC.*|Composite|RIFF|MPF\\d|Adobe|Meta|Jpeg2000|PNG-pHYs|Track\\d|QuickTime|ItemList):(?!Comment)\\w+
|PNG:(ImageWidth|ImageHeight|BitDepth|ColorType|Compression|Filter|Interlace|Gamma|SRGBRendering|ProfileName|PixelsPer\\w+|PixelUnits|Palette|WhitePoint\\w|\\w+[XY])
|IFD1:\\w+|SubIFD\\d*:\\w+|\\w+:(\\w*Thumbnail\\w*|PreviewImage\\w*|Orientation|OffsetSchema|\\w*Offsets?|\\w*ByteCounts?)
|IFD0:(ImageWidth|ImageHeight|SubfileType|OldSubfileType|BitsPerSample|Compression|PhotometricInterpretation|SamplesPerPixel|RowsPerStrip|PlanarConfiguration
|Predictor|FillOrder|Thresholding|CellWidth|CellLength|MinSampleValue|MaxSampleValue|FreeOffsets|FreeByteCounts|GrayResponse\\w+|ColorMap|HalftoneHints|TileWidth|TileLength
|InkSet|InkNames|NumberofInks|DotRange|TargetPrinter|ExtraSamples|SampleFormat|SMinSampleValue|SMaxSampleValue|TransferRange|TransferFunction|WhitePoint
|PrimaryChromaticities|YCbCr\\w+|ReferenceBlackWhite|JPEG\\w+|Indexed|XResolution|YResolution|ResolutionUnit|ColorimetricReference|T[46]Options|TransferFunction)
|ExifIFD:(Gamma|CompressedBitsPerPixel)|ExifIFD:ColorSpace|InteropIFD:InteropIndex|XMP-exif:ColorSpace
|XMP-tiff:(BitsPerSample|Compression|PhotometricInterpretation|SamplesPerPixel|PlanarConfiguration|YCbCr\\w+|TransferFunction|WhitePoint|PrimaryChromaticities|ReferenceBlackWhite|NativeDigest)
|XMP-exif:(ComponentsConfiguration|CompressedBitsPerPixel|Gamma|NativeDigest)|XMP-photoshop:(ColorMode|ICCProfileName)|XMP-xmpNote:HasExtendedXMP|XMP-x:XMPToolkit
|Photoshop:([XY]Resolution|DisplayedUnits[XY]|\\w*Quality|\\w*Format|ProgressiveScans)'''.replace('\n', ''))

# Group or name -> the warning that says it is left out
SAID = {'IPTC':'IPTC captions', 'Photoshop':"Photoshop's resources", 'File:Comment':'comment', 'GeoTiff':'GeoTIFF', 'IFD0:(PixelScale|ModelTiePoint|ModelTransform|GDAL\\w+)':'GeoTIFF',
        'PNG:ModifyDate':'tIME', 'PNG':'texts left out', 'XMP-(GCamera|hdrgm|Container|Item|Device|GImage)':'XMP about'}

def missing(before, after, warnings):
    "Return the tags that are neither carried nor named in a warning"
    have,lost = {(k.split(':')[1], v) for k,v in after},[]
    for k,v in before:
        if (k.split(':')[1], v) in have or STORED.fullmatch(k): continue
        said = [w for g,w in SAID.items() if re.match(g+'(:|$)', k)]
        if not said or not any(said[0] in w for w in warnings):
            if not any(re.search(rf'\b{re.escape(str(k.split(":")[1]))}\b', w) for w in warnings): lost.append((k, v))
    return lost

EXIF = 'ImageDescription Make Model Software Artist Copyright DocumentName PageName HostComputer XPTitle XPComment XPKeywords Rating ProcessingSoftware'.split()
SUB = 'UserComment LensModel LensMake OwnerName SerialNumber LensSerialNumber ImageUniqueID SubSecTimeOriginal OffsetTimeOriginal SpectralSensitivity RelatedSoundFile'.split()
NUMBERS = dict(ExposureTime='0.5', FNumber=8, ISO=100, ShutterSpeedValue=1, FocalLength=50, Flash=1, MeteringMode=5, WhiteBalance=1, SceneCaptureType=2, ExposureProgram=3, LightSource=4,
               Contrast=1, Saturation=1, Sharpness=1, DateTimeOriginal='1936:03:01 10:00:00', CreateDate='1999:01:01 10:00:00', GPSLatitude='60.45', GPSLatitudeRef='N',
               GPSLongitude='22.26', GPSLongitudeRef='E', GPSAltitude=12, GPSMapDatum='WGS-84', GPSAreaInformation='Turku', GPSDateStamp='1936:03:01', ColorSpace=65535, BodySerialNumber=7)
XMP = ('dc:Title dc:Description dc:Creator dc:Subject dc:Source dc:Rights dc:Coverage dc:Identifier dc:Format xmp:CreatorTool xmp:Label xmp:Nickname photoshop:Headline photoshop:City '
       'photoshop:Credit photoshop:TransmissionReference iptcCore:Location iptcCore:Scene iptcExt:PersonInImage iptcExt:Event iptcExt:AOTitle iptcExt:DigitalSourceType xmpRights:UsageTerms xmpRights:WebStatement '
       'xmpMM:DocumentID xmpMM:HistoryAction xmpMM:DerivedFromDocumentID aux:Lens aux:SerialNumber crs:RawFileName lr:HierarchicalSubject plus:LicensorName tiff:Artist tiff:Make '
       'exif:UserComment exifEX:LensModel mwg-rs:RegionName digiKam:CaptionsAuthorNames acdsee:Caption cc:License pdf:Keywords xmpDM:Artist').split()
OLD_XMP = {'photoshop:ColorMode':1, 'photoshop:ICCProfileName':'Dot Gain 20%', 'tiff:SamplesPerPixel':1, 'tiff:PhotometricInterpretation':1, 'GCamera:MotionPhoto':1, 'hdrgm:Version':'1.0'}
IPTC = 'Headline Caption-Abstract Keywords By-line City Credit Source CopyrightNotice ObjectName SpecialInstructions Writer-Editor Country-PrimaryLocationName OriginalTransmissionReference'.split()
PNG = 'Title Author Description Copyright Disclaimer Software Comment Source CreationTime'.split()

def filled(f):
    "Let exiftool write many tags of many groups into a picture"
    args = [f'-EXIF:{k}={k} Åbo' for k in EXIF if k != 'Rating']+[f'-EXIF:{k}={k} 1936' for k in SUB]+[f'-EXIF:{k}={v}' for k,v in NUMBERS.items()]
    args += [f'-XMP-{k}={k} Åbo' for k in XMP]+[f'-XMP-{k}={v}' for k,v in OLD_XMP.items()]
    args += [f'-IPTC:{k}={k} 1936' for k in IPTC]+['-Photoshop:CopyrightFlag=1', '-Photoshop:URL=https://turku.example', '-Photoshop:GlobalAngle=30']
    if f.suffix == '.png': args += [f'-PNG:{k}={k} Åbo' for k in PNG if k != 'CreationTime']+['-PNG:Title-fi=Äiti', '-PNG:ModifyDate=2001:02:03 04:05:06']
    if f.suffix == '.jpg': args += ['-File:Comment=scanned twice']
    f.with_suffix('.args').write_text('\n'.join(['-m', '-q', '-q', '-n', '-charset', 'utf8', '-codedcharacterset=utf8', '-overwrite_original', *args, str(f)]))
    tool('exiftool', '-@', f.with_suffix('.args'))

@pytest.mark.slow
@pytest.mark.parametrize('suffix,result', [('.jpg','.jpg'), ('.jpg','.png'), ('.jpg','.tif'), ('.jpg','.webp'), ('.png','.png'), ('.png','.jpg'), ('.tif','.tif'), ('.tif','.jpg'),
                                           ('.webp','.webp'), ('.webp','.tif'), ('.jp2','.png'), ('.bmp','.png'), ('.avif','.jpg')])
@pytest.mark.parametrize('way', [1, 6])
def test_all_that_exiftool_reads_is_carried_or_said(tmp_path, suffix, result, way):
    src = tmp_path/f'a{suffix}'; Image.fromarray(GRAY).save(src, **({} if suffix in ('.webp', '.avif', '.jp2') else dict(dpi=(300,300))))
    filled(src)
    if way != 1: tool('exiftool', '-q', '-n', '-overwrite_original', f'-EXIF:Orientation={way}', src)
    before = told(src)
    assert len(before) > (100 if suffix != '.bmp' else 20)
    dst,photo = through(src, result, lambda xmp: xmp_note(xmp, model='m'))
    after = told(dst)
    assert not (lost := missing(before, after, photo.warnings)), (lost, photo.warnings)
    assert ('XMP-colorize_nb:Model','m') in after and not [k for k,_ in after if re.search('ColorMode|ICCProfileName|MotionPhoto|hdrgm|XMP-tiff:SamplesPerPixel', k)]

def test_the_comparison_fails_for_what_is_lost():
    assert missing([('XMP-dc:Source', 'a')], [], []) and missing([('IPTC:Headline', 'a')], [], ['comment left out'])
    assert not missing([('XMP-dc:Source', 'a')], [('PNG:Source', 'a')], []) and not missing([('IPTC:Headline', 'a')], [], ['IPTC captions left out'])

# Each kind by itself, with values worked out by hand

RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
def xmp(inside, rdf='rdf'):
    "Return a packet with attributes or elements in it; `rdf` is its prefix for RDF"
    return (f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><{rdf}:RDF xmlns:{rdf}="{RDF}"><{rdf}:Description {rdf}:about="" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/" {inside}</{rdf}:RDF></x:xmpmeta><?xpacket end="w"?>')

def elements(packet):
    "Yield (namespace + name, value) of a packet's properties, as another parser reads them"
    for d in ElementTree.fromstring(packet).iter(f'{{{RDF}}}Description'):
        yield from d.attrib.items()
        for e in d: yield e.tag,''.join(e.itertext())

SOURCE = ('{http://purl.org/dc/elements/1.1/}source', 'Box 12 folder 3')
def jpeg(*segments, **kw):
    "Return a JPEG with segments, given as (number, bytes)"
    Image.fromarray(GRAY).save(f := io.BytesIO(), 'JPEG', **kw)
    b = f.getvalue()
    return b[:2]+b''.join(bytes((255, k))+struct.pack('>H', len(d)+2)+d for k,d in segments)+b[2:]

def result(src, suffix='.jpg', **about):
    photo = open_photo(src)
    b = encode(photo.picture(), FMT[suffix], photo, xmp_note(photo.xmp, **(about or dict(model='m'))))
    return open_photo(b),photo,b

XAP,MORE,SHOP = b'http://ns.adobe.com/xap/1.0/\0',b'http://ns.adobe.com/xmp/extension/\0',b'Photoshop 3.0\0'
plain = xmp('dc:source="Box 12 folder 3"/>')
KINDS = {'other prefix': xmp('dc:source="Box 12 folder 3"/>', 'r'), 'single quotes': xmp("dc:source='Box 12 folder 3'/>"), 'spaces in the end': plain.replace('</rdf:RDF>', '</rdf:RDF \n>'),
         'no wrapper': re.sub(r'<\?.*?\?>', '', plain), 'no xmpmeta': re.sub(r'<\?.*?\?>|</?x:xmpmeta[^>]*>', '', plain), 'element': xmp('><dc:source>Box 12 folder 3</dc:source></rdf:Description>'),
         'no RDF': re.sub(r'<\?.*?\?>|</?(x:xmpmeta|rdf:RDF)[^>]*>', '', plain).replace('xmlns:dc', f'xmlns:rdf="{RDF}" xmlns:dc'),
         'utf-16': plain.encode('utf-16'), 'utf-16-be': plain.encode('utf-16-be'), 'utf-32': plain.encode('utf-32'), 'utf-32-le': plain.encode('utf-32-le'),
         'declared': '<?xml version="1.0" encoding="ISO-8859-1"?>'.encode()+plain.encode(), 'a mark and zeros': b'\xef\xbb\xbf'+plain.encode()+b'\0\0', 'latin-1': plain.replace('folder 3"', 'folder 3" dc:rights="Ä"').encode('latin-1')}

@pytest.mark.parametrize('kind', KINDS)
def test_a_note_never_replaces_what_is_there(kind):
    packet = KINDS[kind] if isinstance(KINDS[kind], bytes) else KINDS[kind].encode()
    out,photo,_ = result(jpeg((0xE1, XAP+packet)), model='100 %s')
    got = [*elements(out.xmp)]
    assert SOURCE in got and any(k.endswith('}model') and v == '100 %s' for k,v in got) and not photo.warnings

def test_xmp_that_no_parser_reads_is_kept_beside_the_note_or_said():
    out,photo,_ = result(jpeg((0xE1, XAP+plain.replace('folder', '& folder').encode())))
    assert b'Box 12 & folder 3' in out.xmp and b'colorize_nb:model="m"' in out.xmp and 'carried as it is' in photo.warnings[0]
    for bad in (b'<a>', b'junk', b'<a/>', b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'\xff\xfe<'):
        out,photo,_ = result(jpeg((0xE1, XAP+bad)))
        assert b'colorize_nb:model="m"' in out.xmp and 'left out' in photo.warnings[0] and len(photo.warnings) == 1

def extended(packet, guid=b'0123456789ABCDEF0123456789ABCDEF', step=100):
    return [(0xE1, MORE+guid+struct.pack('>II', len(packet), i)+packet[i:i+step]) for i in range(0, len(packet), step)]

def test_extended_xmp():
    first = xmp('xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="0123456789ABCDEF0123456789ABCDEF" dc:format="image/jpeg"/>').encode()
    rest = re.sub('<[?].*?[?]>', '', xmp('d:source="Box 12 folder 3"/>', 'r').replace('x:xmpmeta ', 'x:xmpmeta xmlns:d="http://purl.org/dc/elements/1.1/" ')).encode()
    pieces = extended(rest)
    assert len(pieces) > 2
    for order in (pieces, pieces[::-1], [*pieces, *extended(b'<another/>', b'F'*32)]):
        out,photo,_ = result(jpeg((0xE1, XAP+first), *order))
        got = [*elements(out.xmp)]
        assert SOURCE in got and ('{http://purl.org/dc/elements/1.1/}format', 'image/jpeg') in got and not photo.warnings and b'HasExtended' not in photo.xmp
    for lost in (pieces[1:], pieces[:-1], extended(rest, b'F'*32), []):
        out,photo,_ = result(jpeg((0xE1, XAP+first), *lost))
        assert photo.warnings == ['extended XMP is damaged: left out'] and SOURCE not in [*elements(out.xmp)] and b'HasExtended' not in photo.xmp

def test_xmp_that_is_too_large_for_a_segment_is_extended(tmp_path):
    long = xmp('dc:source="'+'x'*150_000+'"/>')
    photo = open_photo(Image.fromarray(GRAY)); photo.xmp = long.encode()
    (tmp_path/'a.jpg').write_bytes(b := encode(photo.picture(), 'JPEG', photo, xmp_note(photo.xmp, model='m')))
    assert b.count(MORE) == 3 and ('{http://purl.org/dc/elements/1.1/}source', 'x'*150_000) in [*elements(open_photo(b).xmp)] and not photo.warnings
    got = dict(told(tmp_path/'a.jpg'))
    assert got['XMP-dc:Source'] == 'x'*150_000 and got['XMP-colorize_nb:Model'] == 'm'

OLD = {'video': ('xmlns:G="http://ns.google.com/photos/1.0/camera/" xmlns:C="http://ns.google.com/photos/1.0/container/" xmlns:I="http://ns.google.com/photos/1.0/container/item/" '
                 'G:MotionPhoto="1" G:MotionPhotoVersion="1" G:MicroVideoOffset="99" dc:source="Box 12 folder 3"><C:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item '
                 'I:Mime="video/mp4" I:Length="1032"/></rdf:li></rdf:Seq></C:Directory></rdf:Description>', b'\0\0\0\x18ftypmp42', 'a video'),
       'gain map': ('xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" dc:source="Box 12 folder 3"><hdrgm:GainMapMax>1</hdrgm:GainMapMax></rdf:Description>',
                    b'\xff\xd8\xff\xe0', 'a gain map'),
       'thumbnail': ('xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:g="http://ns.adobe.com/xap/1.0/g/img/" dc:source="Box 12 folder 3"><xmp:Thumbnails><rdf:Alt><rdf:li '
                     'rdf:parseType="Resource"><g:image>/9j/4AAQ</g:image></rdf:li></rdf:Alt></xmp:Thumbnails></rdf:Description>', b'', ''),
       'pixels': ("xmlns:p='http://ns.adobe.com/photoshop/1.0/' p:ColorMode='1' p:ICCProfile='Dot Gain 20%' xmlns:t='http://ns.adobe.com/tiff/1.0/' t:SamplesPerPixel='1' "
                  "dc:source='Box 12 folder 3'><t:BitsPerSample><rdf:Seq><rdf:li>8</rdf:li></rdf:Seq></t:BitsPerSample></rdf:Description>", b'', '')}

@pytest.mark.parametrize('kind', OLD)
def test_what_describes_the_old_file_goes(kind):
    inside,behind,say = OLD[kind]
    out,photo,_ = result(jpeg((0xE1, XAP+xmp(inside).encode()))+behind)
    assert SOURCE in [*elements(out.xmp)] and len(photo.warnings) == bool(say)+bool(behind) and (not say or say in photo.warnings[0])
    assert not re.search(b'MotionPhoto|MicroVideo|1032|hdrgm|GainMap|Thumbnails|4AAQ|ColorMode|Dot Gain|SamplesPerPixel|BitsPerSample', out.xmp)

def test_values_of_a_turned_photo():
    inside = ('xmlns:t="http://ns.adobe.com/tiff/1.0/" xmlns:e="http://ns.adobe.com/exif/1.0/" t:Orientation="6" t:ImageWidth="40" t:ImageLength="30" e:ColorSpace="2">'
              '<e:PixelXDimension>40</e:PixelXDimension><e:PixelYDimension>30</e:PixelYDimension></rdf:Description>')
    exif = Image.Exif(); exif[274] = 6; exif[256],exif[257],exif[258] = 40,30,8
    out,*_ = result(jpeg((0xE1, XAP+xmp(inside).encode()), exif=exif))
    got = {k.split('}')[1]: v for k,v in elements(out.xmp)}
    assert [got[k] for k in ('Orientation','ImageWidth','ImageLength','PixelXDimension','PixelYDimension','ColorSpace')] == ['1','30','40','30','40','1']
    left = Image.Exif(); left.load(out.exif)
    assert dict(left) == {256: 30, 257: 40}

def iim(n, text): return b'\x1c\x02'+bytes([n])+struct.pack('>H', len(text))+text
def resource(n, data): return b'8BIM'+struct.pack('>HHI', n, 0, len(data))+data+bytes(len(data)%2)

def test_photoshop_over_several_segments(tmp_path):
    caption,mark,thumbnail = resource(0x0404, iim(120, b'Grandmother in Turku, 1936')),resource(0x040A, b'\1'),resource(0x040C, bytes(28)+b'\xff\xd8\xff')
    whole = thumbnail+mark+caption
    for cut in ([thumbnail, mark+caption], [whole[:60], whole[60:]], [caption, thumbnail, mark], [whole]):
        src = jpeg(*((0xED, SHOP+c) for c in cut))
        out,photo,b = result(src)
        assert out.iptc == iim(120, b'Grandmother in Turku, 1936') and out.resources == mark and not photo.warnings
    long = b'x'*30_000
    (tmp_path/'a.jpg').write_bytes(result(jpeg(*((0xED, SHOP+resource(0x0404, iim(120, long)+iim(25, b'k')*10)) for _ in range(4))))[2])
    (tmp_path/'b.tif').write_bytes(result(src, '.tif')[2])
    assert [v for k,v in told(tmp_path/'a.jpg') if k == 'IPTC:Caption-Abstract'] == [long.decode()]*4
    got = dict(told(tmp_path/'b.tif'))
    assert got['IPTC:Caption-Abstract'] == 'Grandmother in Turku, 1936' and got['Photoshop:CopyrightFlag'] in ('1','True')

def test_paths_do_not_turn():
    exif = Image.Exif(); exif[274] = 6
    out,photo,_ = result(jpeg((0xED, SHOP+resource(0x07D0, b'path')+resource(0x040A, b'\1')), exif=exif))
    assert out.resources == resource(0x040A, b'\1') and photo.warnings == ['1 paths or guides left out: the picture was turned']

def test_several_comments(tmp_path):
    src = jpeg((0xFE, b'Album 3, page 12'), (0xFE, 'Åbo'.encode()), (0xFE, b'\xc4iti\0'))
    (tmp_path/'a.jpg').write_bytes(result(src)[2]); (tmp_path/'a.png').write_bytes(result(src, '.png')[2])
    assert open_photo(tmp_path/'a.jpg').comments == [b'Album 3, page 12', 'Åbo'.encode(), b'\xc4iti']
    assert open_photo(tmp_path/'a.png').text == [('Comment', 'Album 3, page 12'), ('Comment', 'Åbo'), ('Comment', 'Äiti')]
    assert sorted(v for k,v in told(tmp_path/'a.png') if k == 'PNG:Comment') == ['Album 3, page 12', 'Äiti', 'Åbo']
    assert result(src, '.webp')[1].warnings == result(src, '.tif')[1].warnings == ['comment left out']

def test_png_texts(tmp_path):
    def chunk(k, d): return struct.pack('>I', len(d))+k+d+struct.pack('>I', zlib.crc32(k+d))
    Image.fromarray(GRAY).save(f := io.BytesIO(), 'PNG'); b = f.getvalue(); at = b.rindex(b'IDAT')-4
    texts = [chunk(b'tEXt', b'Title\0Mother'), chunk(b'tEXt', b'Title\0in Turku'), chunk(b'zTXt', b'Title\0\0'+zlib.compress(b'\xc4iti')),
             chunk(b'iTXt', b'Title\0\1\0fi\0Otsikko\0'+zlib.compress('Äiti'.encode())), chunk(b'tIME', struct.pack('>H5B', 2001, 2, 3, 4, 5, 6))]
    src = b[:at]+b''.join(texts[:2])+b[at:-12]+b''.join(texts[2:])+chunk(b'oFFs', bytes(9))+b[-12:]
    out,photo,b = result(src, '.png')
    (tmp_path/'a.png').write_bytes(b)
    assert out.text == [('Title', 'Mother'), ('Title', 'in Turku'), ('Title', 'Äiti'), ('Title', 'Äiti')] and (out.text[3][1].lang, out.text[3][1].tkey) == ('fi', 'Otsikko')
    assert photo.warnings == ['left out: chunk oFFs'] and dict(told(tmp_path/'a.png'))['PNG:ModifyDate'] == '2001:02:03 04:05:06'
    assert result(src)[1].warnings == ['left out: chunk oFFs', 'texts left out: Title', 'time of the last change (tIME) left out']

def box(kind, data): return struct.pack('>I', len(data)+8)+kind+data
PLACE = {33550: (12, 0.5, 0.5, 0.), 33922: (12, 0., 0., 0., 5e5, 5.4e6, 0.), 34735: (3, 1,1,0,1, 3072,0,1,32633), 42113: (2, b'0\0')}
def small_tiff(tags, order):
    "Return a TIFF of a directory and nothing else"
    tree = {k: Tag(v[0], v[1]) if v[0] == 2 else tag_of(*v, order=order) for k,v in tags.items()}
    return pack_exif(tree, order).removeprefix(b'Exif\0\0')

def test_jpeg_2000_boxes(tmp_path):
    Image.fromarray(GRAY).save(f := io.BytesIO(), 'JPEG2000')
    exif = small_tiff({315: (2, b'Lange\0')}, '>')
    boxes = [(bytes.fromhex('be7acfcb97a942e89c71999491e3afac'), plain.encode()), (b'JpgTiffExif->JP2', exif), (bytes.fromhex('33c7a4d2b81d4723a0baf1a3e097ad38'), iim(120, b'Turku')),
             (bytes.fromhex('b14bf8bd083d4b43a5ae8cd7d5a6ce03'), small_tiff(PLACE, '>')), (bytes(range(16)), b'?')]
    src = f.getvalue()+b''.join(box(b'uuid', k+d) for k,d in boxes)+box(b'xml ', b'<gml/>')
    out,photo,b = result(src, '.png')
    assert SOURCE in [*elements(out.xmp)] and out.iptc == iim(120, b'Turku') and b'Lange' in out.exif
    assert photo.warnings == ['left out: box uuid 000102030405060708090a0b0c0d0e0f, box xml', 'the place on the map (GeoTIFF) left out: a PNG has none']
    (tmp_path/'a.tif').write_bytes(result(src, '.tif')[2])
    assert dict(told(tmp_path/'a.tif'))['GeoTiff:ProjectedCSType'] == '32633'

@pytest.mark.parametrize('order', '<>')
def test_a_place_on_the_map(tmp_path, order):
    Image.fromarray(GRAY).save(f := io.BytesIO(), 'TIFF')
    at,tags = directories(f, 1)[0][0]
    tree = {k: t for k,t in tags.items() if k != 273}|{k: Tag(v[0], v[1]) if v[0] == 2 else tag_of(*v) for k,v in PLACE.items()}|{65000: tag_of(3, 1)}
    tree = {k: t for k,t in tree.items()}|{273: tag_of(4, 8)}
    data = b'II*\0'+struct.pack('<I', 8+GRAY.size)+GRAY.tobytes()+pack_tree(tree, '<', 8+GRAY.size)
    if order == '>': data = b'MM\0*'+struct.pack('>I', 8+GRAY.size)+GRAY.tobytes()+pack_tree(swapped(tree), '>', 8+GRAY.size)
    (tmp_path/'a.tif').write_bytes(data); dst,photo = through(tmp_path/'a.tif', '.tif')
    keys = {'IFD0:PixelScale':'0.5 0.5 0', 'IFD0:ModelTiePoint':'0 0 0 500000 5400000 0', 'IFD0:GDALNoData':'0', 'GeoTiff:ProjectedCSType':'32633'}
    assert photo.warnings == ['left out: tag 65000'] and not open_photo(dst).warnings and keys.items() <= dict(told(dst)).items()
    assert through(tmp_path/'a.tif', '.jpg')[1].warnings[1:] == ['the place on the map (GeoTIFF) left out: a JPEG has none']
    if order == '<':
        turned = b'II*\0'+struct.pack('<I', 8+GRAY.size)+GRAY.tobytes()+pack_tree(tree|{274: tag_of(3, 3)}, '<', 8+GRAY.size)
        out,photo,_ = result(turned, '.tif')
        assert not out.place and 'the place on the map (GeoTIFF) left out: the picture was turned' in photo.warnings

def test_a_place_in_exif():
    exif = pack_exif({k: Tag(v[0], v[1]) if v[0] == 2 else tag_of(*v, order='>') for k,v in PLACE.items()}, '>')
    turned = pack_exif({274: tag_of(3, 6), 42113: Tag(2, b'0\0')}, '<')
    assert result(jpeg(exif=exif), '.tif')[0].place[33550].data == tag_of(*PLACE[33550]).data and not result(jpeg(exif=exif), '.tif')[1].warnings
    out,photo,_ = result(jpeg(exif=turned), '.tif')
    assert not out.place and photo.warnings == ['the place on the map (GeoTIFF) left out: the picture was turned']

def test_segments_that_are_not_known_are_named():
    assert result(jpeg((0xEB, b'JP\0\1c2pa'), (0xEC, b'Ducky\0\1')))[1].warnings == ['left out: APP11 JP, APP12 Ducky']

def test_many_small_pieces_take_no_more_than_their_length():
    "Twenty thousand small segments are read in less than five seconds"
    pieces = bytes((255, 0xED))+struct.pack('>H', len(SHOP)+14)+SHOP+resource(0x040A, b'')+bytes((255, 0xFE, 0, 3))+b'c'+bytes((255, 0xE5, 0, 2))
    b = jpeg(); start = time.process_time()
    photo = open_photo(b[:2]+pieces*20000+b[2:])
    assert time.process_time()-start < 5 and len(photo.comments) == 20000 and len(photo.resources) == 20000*12 and len(photo.warnings[0]) < 120

def test_a_packet_is_read_in_one_go():
    "Packets that could take time with the square of their length, or memory without a limit, are read in five seconds"
    head,d = f'<r:RDF xmlns:r="{RDF}">'.encode(),b'<r:Description '
    kinds = [d*10000, head+d*10000, head+b'<r:Description/>'*10000+b'</r:RDF>', head+d+b' '.join(b'a%d=""'%i for i in range(10000))+b'/></r:RDF>', b'<a>'*10000+b'</a>'*10000,
             b'xmlns:colorize_nb='*10000+b'</r:RDF>', b'</r:RDF '*10000, b'<?xpacket '*10000, b' '*100000+b'x']
    for b in kinds:
        start = time.process_time()
        split_xmp(xmp_note(tidy_xmp(b, []), model='m'), 65504)
        assert time.process_time()-start < 5
