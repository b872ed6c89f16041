"""The forms that people paste and programs collect logs in: found in a text as a whole, undone line by line.

A form is one class with samples: :class:`trtlog.source.forms.base.Form`. Forms lie in layers, as in a numbered
listing of a container's log in JSON; :mod:`trtlog.source.forms.layers` finds them from the outside in. Nothing is
undone unless the grammar knows more of the undone text than of the text as it is.
"""

from trtlog.source.forms.base import Form
from trtlog.source.forms.cells import Csv, Quoted
from trtlog.source.forms.documents import Documents
from trtlog.source.forms.envelopes import JsonLines, Tags
from trtlog.source.forms.jammed import Jammed
from trtlog.source.forms.letters import Colours, Dashes, Entities, Quotes, Spaces
from trtlog.source.forms.marks import MARKS, Relayed
from trtlog.source.forms.numbers import Numbers
from trtlog.source.forms.slips import Endings, LostBracket, PowerShell, Tabs
from trtlog.source.forms.stamps import COLLECTORS
from trtlog.source.forms.wrapped import Wrapped

WRAPPED = Wrapped()
# In the order in which they are looked for: what is told apart by more comes first.
FORMS: tuple[Form, ...] = (
    JsonLines(),
    Documents(),
    Csv(),
    *COLLECTORS,
    Numbers(),
    Tags(),
    Entities(),
    Spaces(),
    Quotes(),
    Dashes(),
    Colours(),
    LostBracket(),
    PowerShell(),
    Tabs(),
    Quoted(),
    MARKS,
    Relayed(),
    Endings(),
    Jammed(),
    WRAPPED,
)

__all__ = ["FORMS", "WRAPPED", "Form"]
