"""Sphinx's settings for `make site`: the pages of this repository as they are, and what is made from code.

The source folder is the repository itself, so that every link between pages means the same here as on a code host.
"""

import re
import shutil
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from numpy.typing import ArrayLike
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util import logging
from sphinx.util.typing import stringify_annotation
from typer.testing import CliRunner

import qlif.cosim.agents
import qlif.hdl
from qlif.cosim import cli

ROOT = Path(__file__).parents[2]

project = "qlif"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
root_doc = "README"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md"]
exclude_patterns = [".*", "build", "docs/site/navigation.md"]

myst_enable_extensions = ["html_image", "colon_fence"]
myst_heading_anchors = 3
myst_fence_as_directive = ["math"]  # which a code host renders as well

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
default_role = "literal"
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"qlif {qlif.__version__}"
html_static_path = html_css_files = ["site.css"]
html_show_copyright = False
html_math_renderer = "mathml"
html_copy_source = html_use_index = html_domain_indices = False
html_theme_options = {
    # The backgrounds of the pictures.
    "light_css_variables": {"color-background-primary": "#ffffff"},
    "dark_css_variables": {"color-background-primary": "#0d1117"},
}

PICTURE = re.compile(
    r'<picture>\s*<source [^>]*srcset="(?P<dark>[^"]*)">\s*<img (?P<rest>[^>]*src="[^"]*"[^>]*)>\s*</picture>'
)
NDARRAY = re.compile(r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[(.*?)\]\]")
FOLDER = re.compile(r"\]\((?:\.\./)*(examples/[\w/]*?)/?\)")


def picture(light: str, dark: str, alt: str) -> str:
    """Return both pictures, of which the theme shows one: `<picture>` would only ask the system."""
    return f'<img class="only-light" alt="{alt}" src="{light}">\n<img class="only-dark" alt="{alt}" src="{dark}">'


def gallery() -> str:
    """Return a card for each named study: its picture, and its line in the page of studies."""
    cards = []
    page = (ROOT / "docs/studies.md").read_text()
    for name, line in re.findall(r"^\| \[[\w-]+\]\(studies/([\w-]+)\.md\) \| (.*) \|$", page, re.MULTILINE):
        title = (ROOT / f"docs/studies/{name}.md").read_text().partition("\n")[0].removeprefix("# ")
        base = f"/docs/pictures/studies/{name}"
        shown = picture(f"{base}.svg", f"{base}-dark.svg", f"Figure of the study {name}")
        caption = f"**[{title}](/docs/studies/{name}.md)**\\\n{line}"
        cards.append(f":::{{container}} card\n{shown}\n\n{caption}\n:::\n")
    return "::::{container} cards\n" + "\n".join(cards) + "::::\n"


def examples() -> str:
    """Return every text file of the examples, folder by folder."""
    languages = {".core": "yaml", ".py": "python", ".toml": "toml", ".v": "verilog", ".vhd": "vhdl"}
    text, last = "", None
    for path in sorted((ROOT / "examples").rglob("*"), key=lambda path: (path.parent, path.name)):
        if language := languages.get(path.suffix):
            where = path.parent.relative_to(ROOT).as_posix()
            text += f"## {where}\n\n" if where != last else ""
            text += f"```{{literalinclude}} /{where}/{path.name}\n:caption: {path.name}\n:language: {language}\n```\n"
            last = where
    return text


def commands() -> str:
    """Return what `--help` prints, command by command."""
    runner = CliRunner(env={"COLUMNS": "80"})
    parts = []
    for name in ["", *cli.GROUPS, *(entry.name for entry in cli.COMMANDS)]:
        answer = runner.invoke(cli.app, [*name.split(), "--help"], prog_name="qlif", catch_exceptions=False)
        parts.append(f"## qlif {name}\n\n```text\n{answer.output.strip()}\n```\n")
    return "\n".join(parts)


def undocumented(app: Sphinx, environment: BuildEnvironment) -> None:
    """Warn of every public name that no page of the reference has, which fails the build."""
    known = environment.domains["py"].data["objects"]
    for package in (qlif, qlif.hdl, qlif.cosim, qlif.cosim.agents):
        for name in package.__all__:
            if name != "__version__" and f"{package.__name__}.{name}" not in known:
                logging.getLogger(__name__).warning("%s.%s is not in the reference", package.__name__, name)


def read_docstring(app: Sphinx, what: str, name: str, thing: object, given: object, lines: list[str]) -> None:
    """Turn numpydoc into reStructuredText; napoleon itself would take a colon in an attribute's line for its type."""
    text = "\n".join(lines).replace("*shape", r"\*shape")  # of (timesteps, *shape): no emphasis
    if what not in ("attribute", "data", "property"):
        style = Config(napoleon_use_ivar=True, napoleon_use_rtype=False)
        text = str(NumpyDocstring(text, style, app, what, name, thing, given))
    lines[:] = text.split("\n")


MADE = {"gallery": gallery, "examples": examples, "commands": commands}


def prepare(app: Sphinx, name: str, source: list[str]) -> None:
    """Give the first page its navigation, and each page pictures by theme and what is made from code."""
    text = source[0]
    if name == root_doc:
        text += "\n" + (ROOT / "docs/site/navigation.md").read_text()
    for kind, make in MADE.items():
        text = text.replace(f"```{{{kind}}}\n```", make() if f"```{{{kind}}}" in text else "")
    text = PICTURE.sub(themed, text)
    source[0] = FOLDER.sub(
        lambda link: f"](/docs/site/examples.md#{link[1].strip('/').replace('/', '')})", text
    )


def themed(found: re.Match[str]) -> str:
    """Return a page's `<picture>` as two pictures."""
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', found["rest"]))
    return f":::{{container}} picture\n{picture(attributes['src'], found['dark'], attributes['alt'])}\n:::"


def plain_signature(app: Sphinx, what: str, name: str, *rest: object) -> tuple[str, str] | None:
    """Return a signature as people read it: numpy's types by their names, `...` for `<factory>` and the like."""
    *_, signature, result = (NDARRAY.sub(r"NDArray[\1]", part or "") for part in rest[2:])
    signature = signature.replace(stringify_annotation(ArrayLike, "smart"), "ArrayLike")
    return (re.sub("= <[^,()]*>", "= ...", signature), result) if signature else None


def unlink_prose(app: Sphinx, tree: nodes.document) -> None:
    """Take the links off the words of types in docstrings, as `(timesteps, neurons)`: no class is in lower case."""
    for link in list(tree.findall(pending_xref)):
        if link.get("refspecific") and link["reftarget"].islower():
            link.replace_self(link.children)


def mark_prose(app: Sphinx, tree: nodes.document, name: str) -> None:
    """Mark the cells of tables that hold sentences, which need some width."""
    for cell in tree.findall(nodes.entry):
        texts = [
            text for text in cell.findall(nodes.Text) if not isinstance(text.parent, nodes.raw)
        ]  # no comments
        if sum(map(len, texts)) > 60:
            cell["classes"].append("prose")


def visit_math(translator: object, node: nodes.math) -> None:
    """Write mathematics as MathML, which browsers draw themselves: no script, no fonts from elsewhere."""
    markup = tex2mathml(node.astext())
    if isinstance(node, nodes.math_block):
        markup = markup.replace("<math", '<math display="block"', 1)
    translator.body.append(markup)
    raise nodes.SkipNode


def first_page(app: Sphinx, error: Exception | None) -> None:
    """Make the README the site's first page, where servers look for it."""
    if error is None:
        shutil.copy(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> None:
    """Connect all that."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("source-read", prepare)
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("autodoc-process-signature", plain_signature)
    app.connect("doctree-read", unlink_prose)
    app.connect("env-check-consistency", undocumented)
    app.connect("doctree-resolved", mark_prose)
    app.connect("build-finished", first_page)
