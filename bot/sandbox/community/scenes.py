"""Small exchanges that people of the demo have: who says what, in which order, where.

A line is `speaker: text`, with alternatives between bars; a speaker is one letter, the first one
opens. Placeholders are drawn once per exchange, so that an answer speaks of what was asked;
`{a}` is the name of the one who opened. A `{few}` is small, `{n}` a number and `{m}` a greater one.
"""

from __future__ import annotations

from collections.abc import Mapping

Scene = tuple[str, ...]

# What a placeholder stands for, beside names and numbers.
WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "game": ("Tidebreaker", "Hollow Keep", "Star Freight", "Moss & Iron", "Kart Harbour"),
        "map": ("the canyon map", "the new dock map", "Frostline", "the night map"),
        "dish": ("sourdough", "a lemon cake", "ramen", "pierogi", "a vegetable curry"),
        "tool": ("my keyboard", "my headset", "the voice chat", "my graphics driver", "my mouse"),
        "work": ("the portrait", "the harbour piece", "my character sheet", "the tiny ceramics"),
        "film": ("the new heist film", "that lighthouse film", "the ferry documentary"),
        "day": ("tonight", "tomorrow", "on Friday", "on Saturday", "on Sunday"),
    },
    "es": {
        "game": ("Rompemareas", "Torre Hueca", "Flete Estelar", "Musgo y Hierro"),
        "object": ("Saturno", "la nebulosa de Orión", "Júpiter", "la luna", "las Pléyades"),
        "dish": ("pan de masa madre", "una tortilla", "unas croquetas", "un arroz al horno"),
        "tool": ("el telescopio", "la cámara", "el trípode", "la montura", "mi teclado"),
        "place": ("el mirador", "la sierra", "la playa", "el pantano"),
        "day": ("esta noche", "mañana", "el viernes", "el sábado", "el domingo"),
    },
}

# Scenes by language and channel; "" are those for every channel without its own.
SCENES: Mapping[str, Mapping[str, tuple[Scene, ...]]] = {
    "en": {
        "": (
            (
                "a: I made {dish} yesterday, in {few} tries|finally got {dish} right, try {few}",
                "b: {few} tries, respect. How did it turn out?|and, was it worth {few} tries?",
                "a: better than I hoped, there is some left|good enough that it is gone already",
                "c: recipe please|next time invite us",
            ),
            (
                "a: has anyone seen {film}?|thinking of watching {film} {day}, is it any good?",
                "b: yes! a bit long, but I liked it|saw it, eight out of ten from me",
                "c: really? I fell asleep after {n} minutes",
                "a: I will see for myself then, thanks both|so it is one against one, thanks",
            ),
            (
                "a: is the weekly game {day} still on?|are we still playing {game} {day}?",
                "b: yes, {few} people so far|it is, we are {few} by now",
                "a: great, count me in|good, I will be there",
                "b: noted, {a}|you are on the list, {a}",
            ),
            (
                "a: {game} got a patch, {n} MB|the {game} patch is out, {n} MB to fetch",
                "b: anything good in it?|what does it change?",
                "a: they fixed {map}, at last|{map} loads faster, they say",
                "c: and they broke {tool} for me, of course",
                "a: oh no. Did restarting help?|did you try a restart?",
                "c: after the second restart, yes|not yet, I will wait for the next patch",
            ),
        ),
        "clips": (
            (
                "a: {n} points on {map}, new personal best|new best on {map}: {n} points!",
                "b: how?? I never get past half of that|wow, how did you do that?",
                "a: left side first, then straight through the middle|the left side, and luck",
                "b: trying that {day}",
            ),
            (
                "a: look at this save with {few} seconds on the clock, {map} again",
                "b: I watched it three times|that was so close",
                "c: and with one hit left, too",
                "a: my hands are still shaking|I could not do it again if I tried",
            ),
        ),
        "looking-for-group": (
            (
                "a: {game} {day}, need {few} more|looking for {few} people for {game} {day}",
                "b: what level do you need?|is that for beginners, too?",
                "a: any level, we explain everything|level {m} would be good, but no must",
                "b: then I am in|great, save me a place",
                "c: me too, if there is still room",
                "a: there is, see you {day} {b} and {c}",
            ),
            (
                "a: anyone for a quick round on {map}?|one round on {map}, who has {n} minutes?",
                "b: me, one moment|me, I only have to finish dinner",
                "a: sure, I wait in the lobby|take your time",
                "b: here now, joining|ready!",
            ),
        ),
        "help": (
            (
                "a: {tool} stopped working, any ideas?|{tool} fails after {n} minutes, help?",
                "b: which version are you on?|what does it say under version?",
                "a: the latest, {m}.{n}|{m}.{n}, since yesterday",
                "b: that one has a bug, go back one version|check the cable, {m}.{n} is fine here",
                "a: that was it, thank you {b}|works again, thanks!",
            ),
            (
                "a: where do I find the settings for {map}?|how do I turn off the intro of {game}?",
                "b: under options, third page|press escape, then page {few}",
                "a: found it, thanks|oh, it was right there. Thank you {b}",
            ),
            (
                "a: {game} uses {n} GB of memory here, is that normal?",
                "b: no, it should be half of that|more than here, by far",
                "c: turn the texture quality down, that helped me",
                "a: better now, thanks both|that helped, thank you {c}",
            ),
        ),
        "work-in-progress": (
            (
                "a: {n} hours into {work} now|day {n} of {work}, slowly getting there",
                "b: what is left to do?|what comes next?",
                "a: the shadows, and everything in the back|the hands, {m} more hours at least",
                "c: no hurry, it looks good already|the colours alone were worth it",
            ),
            (
                "a: I started {work} over, version {few}|version {few} of {work}, from scratch",
                "b: oh no, what was wrong with the last one?|brave! why did you?",
                "a: the proportions, I only saw it today|the light came from two sides",
                "b: good eye|I would never have noticed",
            ),
        ),
        "critique": (
            (
                "a: what would you change in {work}?|be honest please: {work}, version {few}",
                "b: the left side feels a little empty|I would make the background darker",
                "c: I disagree, I like it as it is",
                "a: I try it both ways and show you {day}|thanks, both of you helped",
            ),
            (
                "a: does the perspective in {work} work for you?",
                "b: nearly: the horizon sits {few} millimetres too high",
                "a: now I can't unsee it|you are right, thank you {b}",
                "b: it is an easy fix, the rest is lovely",
            ),
        ),
    },
    "es": {
        "": (
            (
                "a: ayer hice {dish}, a la {few}.ª salió|por fin me salió {dish}, {few} intentos",
                "b: ¡{few} intentos! ¿Y qué tal?|¿y mereció la pena?",
                "a: mejor de lo que esperaba, queda un poco|ya no queda nada, así que bien",
                "c: pasa la receta|la próxima vez invita",
            ),
            (
                "a: ¿sigue en pie lo de {game} {day}?|¿jugamos a {game} {day}?",
                "b: sí, somos {few} de momento|claro, ya hay {few} apuntados",
                "a: genial, contad conmigo|ahí estaré",
                "b: apuntado, {a}|perfecto, una persona más",
            ),
            (
                "a: ha salido el parche de {game}, {n} MB",
                "b: ¿trae algo bueno?|¿y qué cambia?",
                "a: carga más rápido, dicen|arreglan el mapa grande, por fin",
                "c: pues a mí me ha estropeado {tool}",
                "a: vaya. ¿Has reiniciado?|¿y si reinicias?",
                "c: sí, y ya va mejor|todavía no, luego pruebo",
            ),
        ),
        "cielo-de-hoy": (
            (
                "a: {day} se verá bien {object}|cielo despejado {day}, perfecto para {object}",
                "b: ¿a qué hora y desde dónde?|¿dónde y cuándo quedamos?",
                "a: sobre las diez, en {place}|en {place}, hay poca luz. A las diez",
                "c: yo voy también, llevo café|ahí nos vemos",
            ),
            (
                "a: {n} fotos apiladas de {object}, todavía con ruido",
                "b: prueba con {m}, se nota mucho|con {m} sale más limpia",
                "a: lo intento {day} y os cuento|{day} pruebo, gracias {b}",
                "b: suerte, que no haya nubes|¡enséñala!",
            ),
        ),
        "ayuda": (
            (
                "a: {tool} no me va desde ayer, ¿alguna idea?|no me va {tool}, ¿qué hago?",
                "b: ¿qué versión tienes?|¿qué pone en la versión?",
                "a: la última, la {m}.{n}|la {m}.{n}, desde ayer",
                "b: esa tiene un fallo, vuelve a la anterior|mira el cable, la {m}.{n} va bien",
                "a: era eso, gracias {b}|¡ya funciona, gracias!",
            ),
            (
                "a: ¿cómo encuentro {object} sin buscador?|¿por dónde sale {object} {day}?",
                "b: mira al este y sube {n} grados|por encima del tejado más alto, a las diez",
                "a: lo encontré, gracias {b}|ahora sí, qué bonito",
            ),
        ),
    },
}
