"FID's network with random weights (the real ones are a download): the features are torch-fidelity's, and so is the distance."
import pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
theirs = pytest.importorskip('torch_fidelity.feature_extractor_inceptionv3', reason='needs the fid extra')

@pytest.fixture
def weights(tmp_path, monkeypatch):
    torch.manual_seed(0)
    with monkeypatch.context() as m:
        m.setattr(theirs, 'load_state_dict_from_url', lambda *a, **k: None); m.setattr(torch.nn.Module, 'load_state_dict', lambda *a, **k: None)
        net = theirs.FeatureExtractorInceptionV3('inception', ['2048'])
    for o in net.parameters():
        if o.dim() > 1: torch.nn.init.kaiming_normal_(o)  # features that are not all near 0
    torch.save(net.state_dict(), tmp_path/'inception.pth')
    return tmp_path/'inception.pth'

@pytest.mark.slow
@pytest.mark.timeout(120)
def test_fid_is_theirs(weights):
    from skimage import data
    from colorize_nb.train.metrics import Inception, fid
    photos = [p[...,:3][::8,::8] for p in (data.astronaut(), data.chelsea(), data.coffee())]
    net = Inception(weights)
    x = torch.from_numpy(photos[0].copy()).permute(2,0,1)[None]
    raw = theirs.FeatureExtractorInceptionV3('inception', ['2048'], feature_extractor_weights_path=str(weights)).eval()
    with torch.no_grad(): assert torch.equal(net.features(x/255), raw(x)[0])
    assert abs(fid(photos, photos, net)) < 1e-3 < fid([255-p for p in photos], photos, net)

def test_without_weights_it_is_not_measured(tmp_path):
    from colorize_nb.train.metrics import Inception
    with pytest.raises(RuntimeError, match='FID is not measured'): Inception(tmp_path/'nowhere.pth')
