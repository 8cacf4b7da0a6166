"""Products as free variables: a proof only needs to know when two are equal.

A solver may never finish comparing two multipliers, but quickly compares their factors. So each product starts
as a free variable. Before a claim is asked, the products that it depends on are compared factor by factor, and
those with equal factors are asserted equal; so is that a product with a factor 0 is 0. A product of wide words
may also be the sum of partial products: that is the distributive law, which is assumed. Where that isn't enough, a
product is also within what its factors' widths allow: the sum of the partial products then doesn't overflow.

This abstracts from what a product is, so a proof counts, but a counterexample doesn't: a claim that can't be
proved like this is asked again with the real multiplications.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from qlif.cosim.proof.solver import Answer, Named, Term, Terms

PIECES = (8, 16, 18)
"""Multiplier widths into which wide words are split."""


class Factor(NamedTuple):
    """A factor as it was before it was extended."""

    word: Term
    signed: bool


class Product(NamedTuple):
    """A product of two factors.

    Attributes
    ----------
    word : Term
        The variable that represents it.
    left, right : Factor
    signed : bool
        How `word` is extended.
    whole : bool
        It holds every product of its factors; if not, the lowest bits.
    """

    word: Term
    left: Factor
    right: Factor
    signed: bool
    whole: bool


class Products(Terms):
    """Makes terms with products, and proves claims that depend on them."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[object, ...], Product] = {}
        self._by_word: dict[int, Product] = {}

    def product(self, a: Term, b: Term, width: int) -> Term:
        """Return the lowest bits of a product of two equally wide words."""
        (left, left_zeros), (right, right_zeros) = self._factor(a), self._factor(b)
        zeros = left_zeros + right_zeros
        known = [self.value(factor.word) for factor in (left, right)]
        if 0 in known or zeros >= width:
            return self.constant(0, width)
        if 1 in known:
            # Unsigned 1: a factor's own word, shifted.
            other = right if known[0] == 1 and not left.signed else left
            one = left if other is right else right
            if not one.signed:
                return self._shifted(self.extend(other.word, width, other.signed), zeros, width)
        if None not in known:
            return self.make("BV_MUL", a, b)
        product = self._product(left, right, width - zeros)
        return self._shifted(self.extend(product.word, width, product.signed), zeros, width)

    def factors(self, term: Term) -> tuple[Term, ...]:
        """Return the factors of a product; nothing of any other term."""
        product = self._by_word.get(term.id())
        return () if product is None else (product.left.word, product.right.word)

    def between(self, roots: Iterable[Term], limits: Mapping[Factor, tuple[int, int]]) -> list[Term]:
        """Return between which numbers the products are that terms depend on, where their factors are so limited.

        Parameters
        ----------
        roots : iterable of Term
        limits : mapping of Factor to tuple of int
            The lowest and highest number that factors are.
        """
        found = []
        for product in self._cone(roots):
            ranges = [self._limits(factor, limits) for factor in (product.left, product.right)]
            if not product.whole or None in ranges:
                continue
            (a, b), (c, d) = (each for each in ranges if each is not None)
            ends = sorted((a * c, a * d, b * c, b * d))
            if product.left == product.right:
                ends = [max(0, ends[0]), *ends[1:]]
            width = self.width(product.word)
            order = "BV_SLE" if product.signed else "BV_ULE"
            found += [
                self.make(order, self.constant(ends[0], width), product.word),
                self.make(order, product.word, self.constant(ends[-1], width)),
            ]
        return found

    def _bounds(self, roots: list[Term]) -> list[Term]:
        """Return between which numbers products are by the widths of their factors."""
        limits = {}
        for product in self._cone(roots):
            for factor in (product.left, product.right):
                numbers = 1 << self.width(factor.word)
                limits[factor] = (-numbers // 2, numbers // 2 - 1) if factor.signed else (0, numbers - 1)
        return self.between(roots, limits)

    def _limits(self, factor: Factor, limits: Mapping[Factor, tuple[int, int]]) -> tuple[int, int] | None:
        word = self.value(factor.word)
        if word is None:
            return next((ends for one, ends in limits.items() if one == factor), None)
        width = self.width(factor.word)
        number = word - (1 << width) if factor.signed and word >> (width - 1) else word
        return number, number

    def variables(self, roots: Iterable[Term]) -> set[int]:
        """Return the numbers of the variables that terms are made of, through their products."""
        seen: set[int] = set()
        stack, found = list(roots), set[int]()
        while stack:
            one = stack.pop()
            if one.id() in seen:
                continue
            seen.add(one.id())
            inner = self.factors(one) or tuple(one[place] for place in range(one.num_children()))
            stack += inner
            if not inner and not one.is_value():
                found.add(one.id())
        return found

    def has_products(self, term: Term) -> bool:
        """Return whether a term depends on any product."""
        return bool(self._cone([term]))

    def products_of(self, roots: Iterable[Term]) -> set[int]:
        """Return the numbers of the products that terms depend on."""
        return {product.word.id() for product in self._cone(roots)}

    def prove(
        self,
        claim: Term,
        assumptions: Iterable[Term] = (),
        named: Named = None,
        seconds: float | None = None,
    ) -> Answer:
        """Ask whether a claim holds: see :meth:`qlif.cosim.proof.solver.Terms.ask`."""
        assumptions = list(assumptions)
        roots = [claim, *assumptions]
        equalities = self.equalities(roots, assumptions, seconds)
        answer = self.ask(claim, [*assumptions, *equalities], named, seconds)
        if answer.verdict != "proved" and (bounds := self._bounds(roots)):
            answer = self.ask(claim, [*assumptions, *equalities, *bounds], named, seconds)
        if answer.verdict == "proved":
            return answer
        return self.ask(claim, [*assumptions, *self.definitions(roots)], named, seconds)

    def _shifted(self, word: Term, zeros: int, width: int) -> Term:
        if not zeros:
            return word
        if zeros >= width:
            return self.constant(0, width)
        return self.concat(self.slice(word, width - zeros - 1, 0), self.constant(0, zeros))

    def _product(self, left: Factor, right: Factor, width: int) -> Product:
        signed = left.signed or right.signed
        exact = self.width(left.word) + self.width(right.word)
        whole = exact <= width
        exact = min(exact, width)
        # The order is kept: sums of the pieces' products are compared in it.
        one, other = sorted((factor.word.id(), factor.signed) for factor in (left, right))
        key = (one, other, exact)
        if key not in self._made:
            product = Product(self.fresh(exact, "product"), left, right, signed, whole)
            self._made[key] = self._by_word[product.word.id()] = product
        return self._made[key]

    def _factor(self, word: Term) -> tuple[Factor, int]:
        """Return a factor without its extension, and of a constant without its last zeros; and how many."""
        number = self.value(word)
        if number is None:
            return Factor(*self.unextended(word)), 0
        width = self.width(word)
        if number >> (width - 1):
            number -= 1 << width
        zeros = (number & -number).bit_length() - 1 if number else 0
        odd = number >> zeros
        return Factor(self.constant(odd, max(1, odd.bit_length() + (odd < 0))), odd < 0), zeros

    def _cone(self, roots: Iterable[Term]) -> list[Product]:
        """Return the products that terms depend on, directly or through other products; inner ones first."""
        seen: set[int] = set()
        found: list[Product] = []
        stack = [(root, False) for root in roots]
        while stack:
            term, done = stack.pop()
            number = term.id()
            if done:
                found.append(self._by_word[number])
                continue
            if number in seen:
                continue
            seen.add(number)
            product = self._by_word.get(number)
            if product is None:
                stack += [(term[child], False) for child in range(term.num_children())]
            else:
                stack += [(term, True), (product.left.word, False), (product.right.word, False)]
        return found

    def definitions(self, roots: Iterable[Term]) -> list[Term]:
        """Return what makes each product the real one."""
        definitions = []
        for product in self._cone(roots):
            width = self.width(product.word)
            factors = (self.extend(f.word, width, f.signed) for f in (product.left, product.right))
            definitions.append(self.equal(product.word, self.make("BV_MUL", *factors)))
        return definitions

    def equalities(self, roots: list[Term], assumptions: list[Term], seconds: float | None) -> list[Term]:
        """Return which products are equal, as far as that is found by comparing their factors."""
        known: list[Term] = []
        alone: list[Product] = []
        cone = self._cone(roots)
        for product in cone:
            same = (other for other in alone if self._same(product, other, [*assumptions, *known], seconds))
            if (other := next(same, None)) is not None:
                known.append(self._equated(product, other))
                alone.remove(other)
            else:
                alone.append(product)
        for piece in PIECES:
            # Somebody computes with such pieces.
            pieces = [product for product in alone if max(self._widths(product)) <= piece]
            for product in alone:
                if pieces and max(self._widths(product)) > piece:
                    known += self._distributed(product, piece, pieces, [*assumptions, *known], seconds)
        return [*known, *(self._nothing(product) for product in cone)]

    def _nothing(self, product: Product) -> Term:
        """Return that a product is 0 if a factor is."""
        factors = (self.any(factor.word) for factor in (product.left, product.right))
        return self.either(self.both(*factors), self.negation(self.any(product.word)))

    def _widths(self, product: Product) -> tuple[int, int]:
        return self.width(product.left.word), self.width(product.right.word)

    def _distributed(
        self,
        product: Product,
        piece: int,
        pieces: list[Product],
        assumptions: list[Term],
        seconds: float | None,
    ) -> list[Term]:
        """Return that a product is the sum of its pieces' products, if each of those is there."""
        lefts, rights = self._pieces(product.left, piece), self._pieces(product.right, piece)
        if len(lefts) * len(rights) < 2 or not product.whole:
            return []
        width = self.width(product.word)
        total, equalities = self.constant(0, width), []
        for i, left in enumerate(lefts):
            for j, right in enumerate(rights):
                factors = [self.extend(f.word, width, f.signed) for f in (left, right)]
                part = self.product(factors[0], factors[1], width)
                total = self.make("BV_ADD", total, self._shifted(part, (i + j) * piece, width))
                # The outermost product comes last; those within its factors are known already.
                for made in self._cone([part])[-1:]:
                    same = (other for other in pieces if self._same(made, other, assumptions, seconds))
                    if (other := next(same, None)) is None:
                        return []
                    equalities.append(self._equated(made, other))
        return [*equalities, self.equal(product.word, total)]

    def _pieces(self, factor: Factor, piece: int) -> list[Factor]:
        """Cut a factor into pieces; the last one keeps its sign."""
        width = self.width(factor.word)
        return [
            Factor(
                self.slice(factor.word, min(low + piece, width) - 1, low),
                factor.signed and low + piece >= width,
            )
            for low in range(0, width, piece)
        ]

    def _same(self, a: Product, b: Product, assumptions: list[Term], seconds: float | None) -> bool:
        """Whether two products have the same factors."""
        for left, right in ((b.left, b.right), (b.right, b.left)):
            claim = self.both(self._equal(a.left, left), self._equal(a.right, right))
            if self.ask(claim, assumptions, None, seconds).verdict == "proved":
                return True
        return False

    def _equal(self, a: Factor, b: Factor) -> Term:
        width = max(self.width(a.word), self.width(b.word)) + 1
        return self.equal(*(self.extend(x.word, width, x.signed) for x in (a, b)))

    def _equated(self, a: Product, b: Product) -> Term:
        """Return that two products are equal, given that their factors are."""
        narrow, wide = sorted((a, b), key=lambda product: self.width(product.word))
        if narrow.whole:
            word = self.extend(narrow.word, self.width(wide.word), narrow.signed)
            return self.equal(wide.word, word)
        return self.equal(self.slice(wide.word, self.width(narrow.word) - 1, 0), narrow.word)
