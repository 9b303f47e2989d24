"""Brings the .po files up to date with the templates: `make translations`.

New messages come without a translation, changed ones too: nothing is guessed, so nothing is fuzzy.
The tests fail until somebody has translated them.
"""

from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract, extract_from_dir
from babel.messages.pofile import read_po, write_po

from groundwork.languages import ENGLISH, LANGUAGES, Language

ROOT: Final = Path(__file__).parents[2]
# Each has `templates/` and `locale/`.
FOLDERS: Final = (
    ROOT / "groundwork",
    ROOT / "gateway" / "pages",
    ROOT / "booking_core" / "pages",
)
# Words that stand in no template: those of a printed ticket.
MODULES: Final = {
    ROOT / "booking_core" / "pages": (ROOT / "booking_core" / "tickets" / "labels.py",),
}
KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "plural_texts": (2, 3)}
OPTIONS: Final = {
    pattern: {"trimmed": "false", "silent": "false"} for pattern in ("**.html", "**.txt")
}
TRANSLATED: Final = tuple(language for language in LANGUAGES if language != ENGLISH)
# Headers that change with every run, or with who runs it.
SAYS_NOTHING: Final = tuple(
    f'"{name}'
    for name in (
        "Report-Msgid", "POT-Creation", "PO-Revision", "Last-Translator", "Language-Team",
        "Generated-By",
    )
)  # fmt: skip
LINE_CHARACTERS: Final = 100
HEADER: Final = "# Onsale's pages in {name}. Apache-2.0, as the rest of the project."


def extracted(folder: Path) -> Catalog:
    """Every message of a folder's templates, and of the modules that use its translations."""
    catalogue = Catalog()
    found = extract_from_dir(
        folder / "templates",
        method_map=[("**.html", "jinja2"), ("**.txt", "jinja2")],
        options_map=OPTIONS,
        keywords=KEYWORDS,
        comment_tags=(),
    )
    for filename, _, message, _, context in found:
        catalogue.add(message, locations=[(filename, 0)], context=context)
    for module in MODULES.get(folder, ()):
        with module.open("rb") as file:
            for _, message, _, context in extract("python", file, KEYWORDS):
                catalogue.add(message, locations=[(module.name, 0)], context=context)
    return catalogue


def path_of(folder: Path, language: Language) -> Path:
    return folder / "locale" / f"{language.code}.po"


def read(folder: Path, language: Language) -> Catalog:
    with path_of(folder, language).open("rb") as file:
        return read_po(file, locale=language.code)


def updated(folder: Path, language: Language) -> Catalog:
    """The folder's messages with the translations there are."""
    catalogue = Catalog(
        locale=language.locale_name,
        project="Onsale",
        header_comment=HEADER.format(name=language.locale.english_name),
        fuzzy=False,
    )
    known = read(folder, language) if path_of(folder, language).exists() else Catalog()
    for message in sorted(extracted(folder), key=lambda message: str(message.id)):
        if not message.id:
            continue
        before = known.get(message.id)
        locations = sorted(set(message.locations))
        catalogue.add(message.id, before.string if before else None, locations=locations)
    return catalogue


def write(folder: Path, language: Language, catalogue: Catalog) -> None:
    path = path_of(folder, language)
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file, catalogue, width=LINE_CHARACTERS, include_lineno=False, ignore_obsolete=True,
            sort_output=False,
        )  # fmt: skip
    path.write_text(
        "".join(
            line
            for line in path.read_text("utf-8").splitlines(keepends=True)
            if not line.startswith(SAYS_NOTHING)
        ),
        "utf-8",
    )


def main() -> None:
    for folder in FOLDERS:
        for language in TRANSLATED:
            catalogue = updated(folder, language)
            write(folder, language, catalogue)
            missing = sum(
                not any(m.string if m.pluralizable else [m.string]) for m in catalogue if m.id
            )
            print(f"{path_of(folder, language).relative_to(ROOT)}: {missing} to translate")


if __name__ == "__main__":
    main()
