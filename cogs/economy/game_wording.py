"""Games as people see them: boards as embeds, and the odds in words; free of discord.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from bot.core.i18n import N_, Message, _, babel_locale
from cogs.economy.games import Game, blackjack
from cogs.economy.games.blackjack import Deal, Result
from cogs.economy.games.coinflip import Side
from cogs.economy.games.dice import HOUSE_SUM
from cogs.economy.games.odds import Chance, Odds, odds_of
from cogs.economy.games.slots import Symbol
from cogs.economy.games.strategy import chart
from cogs.economy.settings import EconomySettings
from cogs.economy.wording import Currency
from db.economy_games import EconomyGame, GameStatus

if TYPE_CHECKING:
    from cogs.economy.hands import Hand

Embed = dict[str, Any]

# In the state of a hand that was left and then played as it lay.
LEFT = "left"

_WON, _LOST, _EVEN, _OPEN = 0x2ECC71, 0xE74C3C, 0x95A5A6, 0x5865F2
_DIE = "️⃣"
_SYMBOLS = {
    Symbol.CHERRY: "🍒",
    Symbol.LEMON: "🍋",
    Symbol.BELL: "🔔",
    Symbol.STAR: "⭐",
    Symbol.GEM: "💎",
}
_RANKS = ("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")
_SUITS = "♠♥♦♣"
_FACE_DOWN = "`??`"

_FELL = {
    Side.HEADS: N_("🪙 Heads!"),
    Side.TAILS: N_("🪙 Tails!"),
    Side.EDGE: N_("🪙 On its edge!"),
}
_CALLED = {
    Side.HEADS: N_("{member} called heads."),
    Side.TAILS: N_("{member} called tails."),
}
_ENDED = {
    Result.BLACKJACK: N_("Blackjack!"),
    Result.BUST: N_("Over 21."),
}


# --- what is over at once ---------------------------------------------------------------------


def game_board(
    game: EconomyGame, balance: int, settings: EconomySettings, locale: str | None
) -> Embed:
    """Return the embed of a game that was over at once."""
    member = f"<@{game.user_id}>"
    title, lines = _DRAWN[Game(game.game)](game.state, member)
    return _embed(title, [*lines, *_sums(game, balance, settings)], _colour(game), locale)


def _coin(state: Mapping[str, Any], member: str) -> tuple[Message, list[Message]]:
    fell = Side(state["fell"])
    lines = [_(_CALLED[Side(state["called"])], member=member)]
    if fell is Side.EDGE:
        lines.append(_("The edge is the house's."))
    return _(_FELL[fell]), lines


def _dice(state: Mapping[str, Any], member: str) -> tuple[Message, list[Message]]:
    if "number" in state:
        line = _("{member} bet on {number}.", member=member, number=_faces([state["number"]]))
        return Message("🎲 {dice}", {"dice": _faces(state["dice"])}), [line]
    player, house = state["player"], state["house"]
    lines = [
        _("{member}: {dice} = **{sum}**", member=member, dice=_faces(player), sum=sum(player)),
        _("The house: {dice} = **{sum}**", dice=_faces(house), sum=sum(house)),
    ]
    if sum(player) == sum(house) == HOUSE_SUM:
        lines.append(_("Two sevens are the house's."))
    return _("🎲 Against the house"), lines


def _reels(state: Mapping[str, Any], _member: str) -> tuple[Message, list[Message]]:
    shown = " ┃ ".join(_SYMBOLS[Symbol(one)] for one in state["line"])
    return _("🎰 Slots"), [Message("# {reels}", {"reels": shown})]


_DRAWN = {Game.COINFLIP: _coin, Game.DICE: _dice, Game.SLOTS: _reels}


def _faces(numbers: Sequence[int]) -> str:
    return " ".join(f"{one}{_DIE}" for one in numbers)


def _sums(game: EconomyGame, balance: int, settings: EconomySettings) -> list[Message]:
    """Return what a game has brought, and what its player has now."""
    currency, won = Currency.of(settings), game.paid - game.staked
    values: dict[str, Any] = {
        "member": f"<@{game.user_id}>",
        "stake": currency.amount(game.staked),
        "won": currency.amount(won),
    }
    if won > 0:
        said = _("{member} staked {stake} and wins **{won}**.", **values)
    elif won == 0:
        said = _("{member} staked {stake} and gets it back.", **values)
    else:
        said = _("{member} staked {stake} and loses it.", **values)
    return [said, _("-# Balance: {amount}", amount=currency.amount(balance))]


def _colour(game: EconomyGame) -> int:
    if game.paid == game.staked:
        return _EVEN
    return _WON if game.paid > game.staked else _LOST


def _embed(title: Message, lines: Sequence[Message], colour: int, locale: str | None) -> Embed:
    text = "\n".join(one.render(locale) for one in lines)
    return {"title": title.render(locale), "description": text, "color": colour}


# --- blackjack --------------------------------------------------------------------------------


def hand_board(hand: Hand, settings: EconomySettings, locale: str | None) -> Embed:
    """Return the embed of a hand as it is; the dealer's second card is hidden until the end."""
    game, dealt = hand.game, hand.deal
    member = f"<@{game.user_id}>"
    stake = Currency.of(settings).amount(game.staked)
    lines = [_dealer_line(dealt), _player_line(dealt, member)]
    if hand.is_open:
        when = f"<t:{int(hand.ends_at.timestamp())}:R>"
        lines.append(_("-# Left alone, this hand ends {when}.", when=when))
    elif game.status == GameStatus.REFUNDED:
        lines.append(_("{member} left this hand: {stake} went back.", member=member, stake=stake))
    elif game.status == GameStatus.UNDONE:
        lines.append(_("The staff have undone this hand: {stake} went back.", stake=stake))
    else:
        lines += _end_lines(hand, dealt, settings)
    colour = _OPEN if hand.is_open else _colour(game)
    if game.status == GameStatus.UNDONE:
        colour = _EVEN
    return _embed(_("🃏 Blackjack for {stake}", stake=stake), lines, colour, locale)


def _end_lines(hand: Hand, dealt: Deal, settings: EconomySettings) -> list[Message]:
    lines = []
    if hand.game.state.get(LEFT):
        lines.append(
            _("{member} left this hand: it was played as it lay.", member=f"<@{hand.game.user_id}>")
        )
    said = _ENDED.get(blackjack.result(dealt))
    if said is not None:
        lines.append(_(said))
    return [*lines, *_sums(hand.game, hand.balance, settings)]


def _dealer_line(dealt: Deal) -> Message:
    if not dealt.over:
        return _("Dealer: {cards}", cards=f"{_cards(dealt.dealer[:1])} {_FACE_DOWN}")
    return _(
        "Dealer: {cards} = **{total}**", cards=_cards(dealt.dealer), total=_total(dealt.dealer)
    )


def _player_line(dealt: Deal, member: str) -> Message:
    return _(
        "{member}: {cards} = **{total}**",
        member=member,
        cards=_cards(dealt.player),
        total=_total(dealt.player),
    )


def _total(cards: Sequence[int]) -> Message:
    worth = blackjack.points(cards)
    if worth.soft and worth.total < blackjack.BEST:
        return _("{low} or {high}", low=worth.total - 10, high=worth.total)
    return Message(str(worth.total))


def _cards(cards: Sequence[int]) -> str:
    return " ".join(
        f"`{_RANKS[card % blackjack.RANKS]}{_SUITS[card // blackjack.RANKS]}`" for card in cards
    )


# --- the odds ---------------------------------------------------------------------------------


def odds_embed(game: Game, locale: str | None) -> Embed:
    """Return the odds of a game in words, as they stand in the one table of them."""
    parts = [_odds_text(one, locale) for one in odds_of(game)]
    if game is Game.BLACKJACK:
        parts += [
            _(
                "A hand that is left for an hour gives its stake back, once a day; after that it "
                "is played as it lies."
            ).render(locale),
            f"```\n{chart()}\n```",
            _(
                "Above: the dealer's card; left: your hand, with an ace that counts 11 as A. "
                "H hit, S stand, D double, and where you can't, hit (with A 7, stand)."
            ).render(locale),
        ]
    return {
        "title": _("What the odds are").render(locale),
        "description": "\n\n".join(parts),
        "color": _OPEN,
    }


def _odds_text(odds: Odds, locale: str | None) -> str:
    lines = [f"**{_(odds.title).render(locale)}**"]
    lines += [f"- {_chance_text(one, locale)}" for one in odds.chances]
    if odds.rules:
        lines.append(_(odds.rules).render(locale))
    share = _percent(odds.returned, locale)
    lines.append(_("On average {percent} of the stake comes back.", percent=share).render(locale))
    return "\n".join(lines)


def _chance_text(one: Chance, locale: str | None) -> str:
    values = {"event": _(one.text), "chance": _percent(one.chance, locale)}
    if not one.pays:
        said = _("{event}: {chance}, the stake is lost", **values)
    elif one.pays == 1:
        said = _("{event}: {chance}, the stake comes back", **values)
    else:
        times = format_decimal(float(one.pays), locale=babel_locale(locale))
        said = _("{event}: {chance}, pays {times} times the stake", times=times, **values)
    return said.render(locale)


def _percent(share: Fraction, locale: str | None) -> str:
    """Return a share with two digits after the point, rounded down: never more than it is."""
    hundredths = share * 10_000 // 1
    return f"{format_decimal(hundredths / 100, '0.##', locale=babel_locale(locale))} %"
