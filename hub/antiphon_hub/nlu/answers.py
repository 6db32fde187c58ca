"""What is said to a question: which answer it is, and the grammar to hear it with."""

import hashlib
from collections.abc import Sequence

from hassil.intents import Intents
from hassil.recognize import recognize_best

from antiphon_hub.errors import SentencesError
from antiphon_hub.nlu.expand import Expander
from antiphon_hub.nlu.expressions import (
    TemplateError,
    Unbounded,
    can_be_empty,
    check,
    lists_of,
    new_meter,
    parse,
    put_meter,
)
from antiphon_hub.nlu.grammar import RecognitionContext
from antiphon_hub.nlu.interpreter import Interpreter, clean_text
from antiphon_hub.nlu.jsgf import NEVER, alt, to_jsgf
from antiphon_hub.nlu.questions import AGAIN, NEVER_MIND, Answered, Expected


class AnswerSheet:
    """The answers that one question expects.

    Raises:
        SentencesError: a template is none, or too large; the message names it.
    """

    def __init__(self, answers: Sequence[Expected], house: Interpreter) -> None:
        self._house = house
        self._answers = {one.id: one for one in answers}
        if len(self._answers) < len(answers):
            raise SentencesError("answers", ["two answers have the same id"])
        common = house.templates.answers
        self._templates = {one.id: one.sentences for one in answers} | {
            NEVER_MIND: common["never"],
            AGAIN: common["again"],
        }
        self._lists = house.names.lists("")
        self._wild = self._checked()
        self._intents = put_meter(self._read())

    def match(self, text: str) -> Answered | None:
        """Return which answer the text is; None for none of them."""
        clean = clean_text(text)
        if not clean:
            return None
        new_meter()
        try:
            found = recognize_best(
                clean,
                self._intents,
                slot_lists=self._lists,
                language=self._house.language,
            )
        except Unbounded:
            return None
        if found is None:
            return self._anything(clean)
        slots = {entity.name: entity.value for entity in found.entities_list}
        return Answered(found.intent.name, clean, slots)

    def context(self) -> RecognitionContext | None:
        """Return the grammar of the answers; None where they may hold any words."""
        if self._wild or not self._answers:
            return None
        expander = Expander(self._house.language)
        intents = self._read()
        lists = {**intents.slot_lists, **self._lists}
        said = [
            expander.block(data, sentence, intents.expansion_rules, lists)
            for intent in intents.intents.values()
            for data in intent.data
            for sentence in data.sentences
        ]
        answer = alt(said)
        if answer == NEVER:
            return None
        grammar = to_jsgf("answers", "answer", {**expander.rules, "answer": answer})
        digest = hashlib.sha256(grammar.encode()).hexdigest()[:16]
        words = dict(self._house.home.pronunciations)
        return RecognitionContext(f"ctx-{digest}", self._house.language, grammar, words)

    def _anything(self, clean: str) -> Answered | None:
        """A question without expected answers takes any."""
        return None if self._answers else Answered("", clean)

    def _checked(self) -> frozenset[str]:
        """Check the templates; return the names of lists that take any words."""
        wild: set[str] = set()
        for text in (text for texts in self._templates.values() for text in texts):
            try:
                expression = parse(text).expression
                check(expression, {})
            except TemplateError as error:
                raise SentencesError("answers", [str(error)]) from None
            if can_be_empty(expression, {}):
                raise SentencesError("answers", [f"{text!r} matches silence"])
            wild |= {
                one.list_name
                for one in lists_of(expression, {})
                if one.list_name not in self._lists and not one.get_inline_range()
            }
        return frozenset(wild)

    def _read(self) -> Intents:
        data = self._templates.items()
        return Intents.from_dict(
            {
                "language": self._house.language,
                "intents": {name: {"data": [{"sentences": list(texts)}]} for name, texts in data},
                "lists": {name: {"wildcard": True} for name in self._wild},
                "skip_words": self._house.templates.tree["skip_words"],
            }
        )
