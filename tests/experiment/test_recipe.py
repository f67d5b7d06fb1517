"""The recipe: what is kept besides the data."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions, version

from assay.experiment.recipe import distributions_of


def test_modules_belong_to_the_distributions_that_importlib_says() -> None:
    known = packages_distributions()
    names = {each for each in known if each.isidentifier()} - sys.stdlib_module_names
    assert {"sklearn", "yaml", "six"} <= names
    assert distributions_of(names) == {
        each: version(each) for name in names for each in known[name]
    }
    for name in ("sklearn", "yaml", "six", "PIL", "torch", "google"):
        wanted = {each: version(each) for each in known.get(name, ())}
        assert distributions_of({name}) == wanted
    assert distributions_of({"sklearn", "json", "no_such_module"}) == {
        "scikit-learn": version("scikit-learn")
    }
    assert distributions_of({"json"}) == {}
