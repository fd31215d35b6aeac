"""Contracts, and classes that fulfil them: what a method does is written once, in the contract."""

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


def fulfils(*contracts: type) -> Callable[[Class], Class]:
    """A class decorator: methods without a docstring get that of the contract's.

    Contracts here are structural, so that nothing is inherited; ``help`` and the API pages
    would show nothing.

    Parameters
    ----------
    *contracts : type
        Protocols, or classes that say what their methods do; the first that has one counts.

    Returns
    -------
    decorator : callable
        Gives back the class.

    Examples
    --------
    >>> from gmmem.contracts import fulfils
    >>> class Greeter:
    ...     def greet(self):
    ...         "Say hello."
    >>> @fulfils(Greeter)
    ... class Loud:
    ...     def greet(self):
    ...         return "HELLO"
    >>> Loud.greet.__doc__
    'Say hello.'
    """

    def documented(cls: Class) -> Class:
        for name, member in vars(cls).items():
            own = getattr(member, "__func__", member)
            documents = inspect.isfunction(own) or isinstance(own, property | cached_property)
            if documents and not own.__doc__ and not name.startswith("_"):
                found = (inspect.getdoc(getattr(contract, name, None)) for contract in contracts)
                own.__doc__ = next(filter(None, found), None)
        return cls

    return documented


def contract(protocol: Class) -> Class:
    """A class decorator for a `typing.Protocol` that is shown to users.

    Its own signature is empty, for nobody makes an instance; classes that inherit from it take
    over its docstrings, by `fulfils`.

    Parameters
    ----------
    protocol : type
        A `typing.Protocol`.

    Returns
    -------
    protocol : type
        The same.

    Examples
    --------
    >>> import inspect
    >>> from typing import Protocol
    >>> from gmmem.contracts import contract
    >>> @contract
    ... class Greeter(Protocol):
    ...     def greet(self):
    ...         "Say hello."
    >>> class Named(Greeter):
    ...     def __init__(self, name):
    ...         self.name = name
    ...     def greet(self):
    ...         return f"hello {self.name}"
    >>> Named.greet.__doc__, inspect.signature(Greeter), inspect.signature(Named)
    ('Say hello.', <Signature ()>, <Signature (name)>)
    """

    def init_subclass(cls, **kwargs):
        super(protocol, cls).__init_subclass__(**kwargs)
        cls.__signature__ = None  # Its own, not the contract's.
        fulfils(protocol)(cls)

    shown: Any = shown_without_constructor(protocol)
    shown.__init_subclass__ = classmethod(init_subclass)
    return protocol


def shown_without_constructor(cls: Class) -> Class:
    """A class decorator: ``help`` and the API pages show no parameters.

    Parameters
    ----------
    cls : type
        One that users are given, and do not make.

    Returns
    -------
    cls : type
        The same.

    Examples
    --------
    >>> import inspect
    >>> from gmmem.contracts import shown_without_constructor
    >>> @shown_without_constructor
    ... class Given:
    ...     def __init__(self, secret):
    ...         self.secret = secret
    >>> inspect.signature(Given)
    <Signature ()>
    """
    shown: Any = cls
    shown.__signature__ = inspect.Signature()
    return cls
