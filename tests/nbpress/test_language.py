"""Which codes of languages a report takes."""

from __future__ import annotations

import pytest

from nbpress.project.language import checked_language


@pytest.mark.parametrize("code", ["en", "de", "nn", "pt-BR", "zh-Hant-TW", "de-CH-1996", "gsw"])
def test_language_tag_is_taken_as_it_is(code: str) -> None:
    """Language, script, region and variants, as BCP 47 has them."""
    assert checked_language(code) == code


@pytest.mark.parametrize("code", ["deutsch", "german", "3", "xx-YY", "", "en_GB", "en-", "DE de"])
def test_other_words_are_refused(code: str) -> None:
    """The message shows what a code looks like."""
    with pytest.raises(ValueError, match="such as en, de or pt-BR; got"):
        checked_language(code)
