"""Generate the pages that repeat what the code says, each time the site is built.

MkDocs imports this file by its path (`hooks` in mkdocs.yml). The pages exist only in the built site:
`reference/cli.md`, `reference/c-api.md`, `reference/python/*.md`, `contributing.md`, `changelog.md`, and
`tutorials/rhythms.md` with its pictures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ecg", "training", "quantize", "firmware", "host")
HEADERS = ("ecg_core", "ecg_rhythm", "ecg_nn", "ecg_link", "ecg_base")
# Modules with a page of their own, and the code generator's inner parts.
ELSEWHERE = (
    "ecg_edge.training.recipes",
    "ecg_edge.training.search",
    "ecg_edge.quantize.bundle.manifest",
    "ecg_edge.quantize.codegen.",
)
# Pages outside docs/ that the site shows, with the folder of their links removed.
INCLUDED = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site's files."""
    for path, text in generated_pages():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Append the JSON schemas to the page of the results."""
    return markdown + schema_tables() if page.file.src_uri == "reference/results.md" else markdown


def generated_pages() -> Iterator[tuple[str, str | bytes]]:
    """Yield path and Markdown text of every generated page."""
    yield "reference/cli.md", command_line_page()
    yield "reference/c-api.md", c_page()
    for package in PACKAGES:
        yield f"reference/python/{package}.md", python_page(package)
    for page, source in INCLUDED.items():
        yield page, included_page(source)
    from ecg_edge.host.report.teaching import teaching_pages

    yield from teaching_pages()


def included_page(name: str) -> str:
    """Return a Markdown file of the repository's top folder with links into docs/ made relative."""
    path = ROOT / name
    if not path.is_file():
        return f"# {Path(name).stem.capitalize()}\n\nSee `{name}` in the repository.\n"
    text = path.read_text(encoding="utf-8").replace("](docs/", "](")
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]*(?<!\.md)\)", r"`\1`", text)


# Command line ---------------------------------------------------------------------------------------------


def command_line_page() -> str:
    """Return the page of all commands, from the same objects that parse the command line."""
    from typer.main import get_command

    from ecg_edge.host.cli import lazy, main

    parts = [
        "# Command line",
        "Generated from the program's own help. `ecg-edge COMMAND --help` prints the same. "
        "`ecg-edge --install-completion` completes commands, options and record names in your shell.",
    ]
    for name, command in get_command(main.app).commands.items():
        parts += _command_parts(f"ecg-edge {name}", lazy.loaded(command))
    return "\n\n".join(parts) + "\n"


def _command_parts(title: str, command: Any) -> Iterator[str]:
    level = "##" if title.count(" ") == 1 else "###"
    yield f"{level} {title}"
    if command.help:
        yield _paragraphs(command.help)
    if hasattr(command, "commands"):
        from ecg_edge.host.cli import lazy

        for name, child in command.commands.items():
            yield from _command_parts(f"{title} {name}", lazy.loaded(child))
    else:
        yield from _option_table(command)
        if command.epilog:
            yield _examples(command.epilog)


def _paragraphs(text: str) -> str:
    """Keep paragraphs; show lines that begin with the program's name as code."""
    plain = text.replace("\b\n", "").replace("\f", "\n").replace("\\[", "[")  # escaped for rich
    lines = (line.strip() for line in plain.splitlines())
    shown = "\n".join(f"    {line}" if line.startswith("ecg-edge ") else line for line in lines)
    return re.sub(r"(?m)(?<!\n)\n(    ecg-edge )", r"\n\n\1", shown).replace("<", "&lt;")


def _examples(text: str) -> str:
    """Show the example commands as code."""
    word, _, commands = text.partition(":")
    lines = [line.strip() for line in re.split(r"\n|(?<=\S)\s+(?=ecg-edge )", commands) if line.strip()]
    return f"{word}:\n\n```sh\n" + "\n".join(lines) + "\n```"


def _option_table(command: Any) -> Iterator[str]:
    rows = [
        _option_row(one) for one in command.params if not getattr(one, "hidden", False) and one.name != "help"
    ]
    if rows:
        yield "\n".join(["| argument or option | meaning | default |", "|---|---|---|", *rows])


def _option_row(option: Any) -> str:
    is_argument = option.param_type_name == "argument"
    names = [option.name.upper()] if is_argument else [*option.opts, *option.secondary_opts]
    default = option.default
    shown = "" if default is None or callable(default) or default in (False, [], ()) else f"`{default}`"
    if isinstance(getattr(option, "show_default", None), str):
        shown = f"`{option.show_default}`"
    if option.required:
        shown = "required"
    return f"| `{'`, `'.join(names)}` | {_cell(getattr(option, 'help', None) or '')} | {_cell(shown)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


# JSON schemas ---------------------------------------------------------------------------------------------


def schema_tables() -> str:
    """Return one section for each `docs/reference/*.schema.json`: a table of keys for each kind of object."""
    parts = []
    for path in sorted((ROOT / "docs/reference").glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        parts += [f"## Schema of {path.stem.removesuffix('.schema')}.json", f"[{path.name}]({path.name})"]
        for name, kind in {"": schema, **schema.get("$defs", {})}.items():
            parts += _schema_parts(name, kind)
    return "\n\n" + "\n\n".join(parts) + "\n" if parts else ""


def _schema_parts(name: str, kind: dict[str, Any]) -> Iterator[str]:
    keys = kind.get("properties") or kind.get("items", {}).get("properties") or {}
    if name and keys:
        yield f"### {name}"
    if kind.get("description") and (keys or not name):
        yield kind["description"]
    if keys:
        rows = [f"| `{key}` | {_cell(_kind(one))} | {_cell(_meaning(one))} |" for key, one in keys.items()]
        yield "\n".join(["| key | type | meaning |", "|---|---|---|", *rows])


def _meaning(one: dict[str, Any]) -> str:
    return str(one.get("description", ""))


def _kind(one: dict[str, Any]) -> str:
    if "$ref" in one:
        return str(one["$ref"].rpartition("/")[2])
    for word in ("anyOf", "oneOf"):
        if word in one:
            return " or ".join(_kind(choice) for choice in one[word])
    if "enum" in one or "const" in one:
        return ", ".join(json.dumps(value) for value in one.get("enum", [one.get("const")]))
    kinds = one.get("type", "any")
    name = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    inner = one.get("items") or one.get("additionalProperties")
    return f"{name} of {_kind(inner)}" if isinstance(inner, dict) and inner else name


# Python interface -----------------------------------------------------------------------------------------


def python_page(package: str) -> str:
    """Return the page of one package: every public module, described by its docstrings."""
    parts = [f"# ecg_edge.{package}", "Generated from the docstrings."]
    parts += [f"::: {name}" for name in _modules(package)]
    return "\n\n".join(parts) + "\n"


def _modules(package: str) -> list[str]:
    folder = ROOT / package
    found = []
    for path in sorted(folder.rglob("*.py")):
        names = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(("ecg_edge", *names))
        if _is_public(path, names) and not name.startswith(ELSEWHERE):
            found.append(name)
    return found


def _is_public(path: Path, names: tuple[str, ...]) -> bool:
    """Tell a module of a package from a script, a private module and a command's module."""
    named = not any(name.startswith("_") for name in names) and "commands" not in names
    return named and all((folder / "__init__.py").is_file() for folder in path.parents[: len(names) - 1])


# C interface ----------------------------------------------------------------------------------------------


def c_page() -> str:
    """Return the page of the device's libraries: public declarations with the comments above them."""
    parts = ["# C interface", "Generated from the public headers of `firmware/lib`."]
    for library in HEADERS:
        for header in sorted((ROOT / "firmware/lib" / library / "include").rglob("*.h")):
            if not header.stem.endswith(("_state", "_private")):
                parts += _header_parts(header)
    return "\n\n".join(parts) + "\n"


def _header_parts(header: Path) -> Iterator[str]:
    yield f"## {header.parent.name}/{header.name}"
    for comment, code in _blocks(header.read_text(encoding="utf-8")):
        if code:
            name = _declared(code)
            yield f"### `{name}`" if name else "---"
            yield f"```c\n{code}\n```"
        if comment:
            yield comment


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"(?m)^#(if|ifdef|ifndef|else|elif|endif|include)\b.*\n|^extern \"C\" \{\n|^\}\n", "", text)
    text = re.sub(r"(?m)^#define ECG_\w+_H\n|^\s*/\* clang-format \w+ \*/\n", "", text)
    for block in re.split(r"\n\s*\n(?=\S)", text.strip()):
        match = re.match(r"\s*/\*+!?(.*?)\*/[ \t]*\n?(.*)", block, flags=re.DOTALL)
        comment, code = (match[1], match[2]) if match and not match[1].count("*/") else ("", block)
        yield _comment_text(comment), code.strip()


def _comment_text(comment: str) -> str:
    """Make Markdown of a C comment: indented paragraphs become code, parameters a list."""
    lines = [re.sub(r"^\s*\* ?", "", line) for line in comment.strip().splitlines()]
    return "\n\n".join(_paragraph(text) for text in re.split(r"\n\s*\n", "\n".join(lines)) if text.strip())


def _paragraph(text: str) -> str:
    if re.search(r"(?m)^ {3,}\S", text):
        return f"```c\n{text}\n```"
    text = re.sub(r"(?m)^\s*@param(\[\w+\])?\s+(\w+)\s*", r"- `\2`: ", text)
    text = re.sub(r"(?m)^\s*@returns?\s+", "\nReturns: ", text)
    parts = [one if one.startswith("`") else _escaped(one) for one in re.split(r"(`[^`\n]*`)", text)]
    return re.sub(r"(?m)(?<!\n)\n(- `)", r"\n\n\1", "".join(parts), count=1)


def _escaped(text: str) -> str:
    return re.sub(r"([\[\]*_])", r"\\\1", text.replace("<", "&lt;"))


def _declared(code: str) -> str:
    function = re.search(r"(\w+)\([^)]*\)\s*;", code)
    kind = re.search(r"\}\s*(\w+)\s*;", code)
    found = kind if code.startswith("typedef") else function
    return found[1] if found else ""
