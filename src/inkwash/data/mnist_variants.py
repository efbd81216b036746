"""The data sets published under the file names of MNIST, distinguished by SHA-256: classes, licences, mirrors."""

from __future__ import annotations

from dataclasses import dataclass

from inkwash.data import idx
from inkwash.data.downloads import Download

FILES = tuple(f"{name}.gz" for name in (idx.TRAIN.images, idx.TRAIN.labels, idx.TEST.images, idx.TEST.labels))


@dataclass(frozen=True)
class PublishedFiles:
    """A published data set: classes, origin and licence, the SHA-256 (hex) of its `FILES`, and mirrors.

    `unpacked` is the SHA-256 of training images and labels without gzip, which does not depend on the compression.
    Where it is empty, only the published gzip files are recognized. `dataset_sha256` is that of the `Dataset`, "" if unknown.
    """

    classes: tuple[str, ...]
    note: str
    sha256: tuple[str, str, str, str]
    mirrors: tuple[str, ...]
    unpacked: tuple[str, ...] = ()
    dataset_sha256: str = ""

    def matches(self, digests: frozenset[str]) -> bool:
        """Return whether `digests`, those of a training file as stored and decompressed, are of this data set."""
        return not digests.isdisjoint((*self.sha256[:2], *self.unpacked))

    def download(self, name: str) -> Download:
        """Return the files to download, into the folder `name` of the cache."""
        return Download(name, dict(zip(FILES, self.sha256, strict=True)), self.mirrors)


# The SHA-256 of the gzip files are those of TensorFlow Datasets; those of the decompressed files were computed:
# of MNIST from these, of Fashion-MNIST from Debian's package of it.
PUBLISHED: dict[str, PublishedFiles] = {
    "mnist": PublishedFiles(
        classes=tuple("0123456789"),
        note="MNIST, Y. LeCun, C. Cortes and C. Burges 1998; CC BY-SA 3.0",
        sha256=(
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://sagemaker-sample-files.s3.amazonaws.com/datasets/image/MNIST/",
        ),
        unpacked=(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        dataset_sha256="71d3be42f93ad20da73bb4a9744d0bebdaa6832be56dc010e21940e72c4c8b1e",
    ),
    "fashion-mnist": PublishedFiles(
        classes=(
            "T-shirt/top",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ),
        note="Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf 2017, Zalando; MIT",
        sha256=(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        unpacked=(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        dataset_sha256="a8007d7be041707b663947cf4c2d8a73d1704ccde85043273b866d5181bde6c2",
    ),
    "kmnist": PublishedFiles(
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        note="Kuzushiji-MNIST, T. Clanuwat et al. 2018, CODH, after NIJL; CC BY-SA 4.0",
        sha256=(
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
    ),
}
