from .api import evaluate as evaluate
from .api import load as load
from .api import sample as sample
from .config.recipe import Recipe as Recipe
from .core import (
    CLEAN as CLEAN,
)
from .core import (
    Clipped as Clipped,
)
from .core import (
    Cosine as Cosine,
)
from .core import (
    Counted as Counted,
)
from .core import (
    EmpiricalDenoiser as EmpiricalDenoiser,
)
from .core import (
    Flow as Flow,
)
from .core import (
    Frame as Frame,
)
from .core import (
    GaussianDenoiser as GaussianDenoiser,
)
from .core import (
    Guided as Guided,
)
from .core import (
    Inpainted as Inpainted,
)
from .core import (
    Karras as Karras,
)
from .core import (
    Labelled as Labelled,
)
from .core import (
    Level as Level,
)
from .core import (
    Linear as Linear,
)
from .core import (
    LogitNormal as LogitNormal,
)
from .core import (
    LogLinear as LogLinear,
)
from .core import (
    LogNormal as LogNormal,
)
from .core import (
    MixtureDenoiser as MixtureDenoiser,
)
from .core import (
    NetDenoiser as NetDenoiser,
)
from .core import (
    Power as Power,
)
from .core import (
    Quadratic as Quadratic,
)
from .core import (
    Sampler as Sampler,
)
from .core import (
    Schedule as Schedule,
)
from .core import (
    Shift as Shift,
)
from .core import (
    Sigmoid as Sigmoid,
)
from .core import (
    Stretch as Stretch,
)
from .core import (
    Target as Target,
)
from .core import (
    Uniform as Uniform,
)
from .core import (
    Warped as Warped,
)
from .core import (
    WeightedPair as WeightedPair,
)
from .data import Dataset as Dataset
from .errors import InkwashError as InkwashError
from .errors import UsageError as UsageError
from .evaluation.comparison import Comparison as Comparison
from .evaluation.scores import Evaluation as Evaluation
from .model import Model as Model
from .objectives import Denoising as Denoising
from .runs.events import Sampled as Sampled
from .runs.events import Saved as Saved
from .runs.history import History as History
from .runs.run import Run as Run
from .runs.training import start_run as start_run
from .runs.training import train as train
from .training.events import Measured as Measured
from .training.events import Planned as Planned
from .training.events import Step as Step
from .training.trainer import Trainer as Trainer
from .viz.sample_set import Samples as Samples

__version__: str
DEFAULT_MODEL: str
