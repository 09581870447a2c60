"""What the readers of YAML and of patterns complain of."""

from __future__ import annotations

from pusula.lib.complaints import Complaints
from pusula.lib.sayings import Saying

_YAML = (
    Saying("found character %(given)s that cannot start any token"),
    Saying("could not find expected ':'"),
    Saying("sequence entries are not allowed here"),
    Saying("mapping keys are not allowed here"),
    Saying("mapping values are not allowed here"),
    Saying("found unknown escape character %(given)s"),
    Saying("found unexpected end of stream"),
    Saying("found unexpected document separator"),
    Saying("found undefined alias %(given)s"),
    Saying("expected %(wanted)s, but found %(given)s"),
    Saying("expected %(wanted)s, but got %(given)s"),
    Saying("but found another document"),
    Saying("found unhashable key"),
    Saying("could not determine a constructor for the tag %(given)s"),
)
_YAML_WORDS = (
    Saying("the node content"), Saying("<block end>"), Saying("'<stream end>'"),
    Saying("'<block end>'"), Saying("a comment or a line break"),
)  # fmt: skip
_PATTERNS = (
    Saying("missing ): %(given)s"),
    Saying("unexpected ): %(given)s"),
    Saying("missing ]: %(given)s"),
    Saying("no argument for repetition operator: %(given)s"),
    Saying("bad repetition operator: %(given)s"),
    Saying("invalid repetition size: %(given)s"),
    Saying("invalid escape sequence: %(given)s"),
    Saying("invalid character class range: %(given)s"),
    Saying("invalid perl operator: %(given)s"),
    Saying("trailing \\ at end of expression"),
    Saying("expression too large"),
)

of_yaml = Complaints(_YAML, _YAML_WORDS).known
of_pattern = Complaints(_PATTERNS).known
