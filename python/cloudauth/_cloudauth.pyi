from os import PathLike
from typing import Any, Optional, Protocol, Sequence, Union, final

__version__: str

class _ArrowStream(Protocol):
    """A table: a pandas or Polars frame, a PyArrow table or reader, a DuckDB relation."""

    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...

class _ArrowArray(Protocol):
    """A PyArrow record batch."""

    def __arrow_c_array__(self, requested_schema: Optional[object] = None) -> tuple[object, object]: ...

_Path = Union[str, PathLike[str]]
_Data = Union[_ArrowStream, _ArrowArray, _Path, Sequence[_Path]]

class Error(Exception): ...

class PolicyError(Error):
    path: str
    line: Optional[int]
    column: Optional[int]
    problems: list[dict[str, Any]]

class DataError(Error):
    path: Optional[str]
    line: Optional[int]

@final
class Policy:
    @staticmethod
    def load(path: _Path, *, allow_failing_examples: bool = False) -> Policy: ...
    @staticmethod
    def parse(text: str, *, allow_failing_examples: bool = False) -> Policy: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def text(self) -> str: ...
    def check(self) -> dict[str, Any]: ...
    def decide(
        self,
        table: Union[_ArrowStream, _ArrowArray, _Path],
        *,
        mapping: Optional[_Path] = None,
        threads: Optional[int] = None,
        allow_missing_inputs: bool = False,
    ) -> Decisions: ...
    def explain(self, row: Any) -> dict[str, Any]: ...

@final
class Table:
    @property
    def column_names(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Chart:
    @property
    def svg(self) -> str: ...
    def _repr_svg_(self) -> str: ...

@final
class Decisions:
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def issues(self) -> list[dict[str, Any]]: ...
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Analysis:
    @property
    def document(self) -> dict[str, Any]: ...
    @property
    def table(self) -> Table: ...
    @property
    def tables(self) -> dict[str, Table]: ...
    @property
    def chart(self) -> Optional[Chart]: ...
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...
    def _repr_html_(self) -> str: ...

def replay(
    policy: Policy,
    data: _Data,
    *,
    mapping: Optional[_Path] = None,
    threads: Optional[int] = None,
    allow_missing_inputs: bool = False,
) -> Analysis: ...
def compare(
    policy: Policy,
    candidate: Policy,
    data: _Data,
    *,
    mapping: Optional[_Path] = None,
    threads: Optional[int] = None,
    allow_missing_inputs: bool = False,
) -> Analysis: ...
def calibrate(
    policy: Policy,
    data: _Data,
    *,
    targets: Optional[Sequence[Union[str, float]]] = None,
    step: int = 1,
    mapping: Optional[_Path] = None,
    threads: Optional[int] = None,
    allow_missing_inputs: bool = False,
) -> Analysis: ...
def sweep(
    policy: Policy,
    data: _Data,
    *,
    threshold: str,
    start: float,
    stop: float,
    step: float,
    cost: Optional[_Path] = None,
    prior: Optional[float] = None,
    mapping: Optional[_Path] = None,
    threads: Optional[int] = None,
    allow_missing_inputs: bool = False,
) -> Analysis: ...
def main(arguments: list[str]) -> int: ...
