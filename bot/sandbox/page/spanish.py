"""What the sandbox refuses, in Spanish.

The keys are the English texts with `{}` for what they name; a translation takes those by number.
"""

from __future__ import annotations

REFUSALS = {
    # -- the page --
    "Choose a name first": "Elige primero un nombre",
    "The page is full; try again when somebody has left": (
        "La página está llena; inténtalo cuando alguien se haya ido"
    ),
    "The application did not respond": "La aplicación no ha respondido",
    "The request can't be understood": "No se entiende la petición",
    "the field {} is missing": "falta el campo {0}",
    "the field {} is no text": "el campo {0} no es un texto",
    "the body must be an object": "la petición debe ser un objeto",
    "the options must be an object": "las opciones deben ser un objeto",
    "that is more than 5 MB": "son más de 5 MB",
    "a file can't be read": "no se puede leer un archivo",
    "a name has 1 to 32 characters": "un nombre tiene de 1 a 32 caracteres",
    "this guild is gone": "este servidor ya no existe",
    "this channel is gone, or not for you to see": "este canal ya no existe, o no puedes verlo",
    "this message is gone": "este mensaje ya no existe",
    "what you chose is gone": "lo que has elegido ya no existe",
    "this form is no longer open": "este formulario ya no está abierto",
    "join the guild to see who is there": "únete al servidor para ver quién está",
    "an owner can't leave their guild": "quien es dueño no puede salir de su servidor",
    # -- people and places --
    "{} is not in the guild": "no estás en el servidor",
    "{} can't join": "no puedes unirte",
    "the invite for {} is paused or invalid": "la invitación está en pausa o no es válida",
    "{} may not speak in #{}": "no puedes hablar en #{1}",
    "{} may not look in #{}": "no puedes ver #{1}",
    "{} may not change the nickname": "no puedes cambiar el apodo",
    # -- messages --
    "a message has 1 to 2,000 characters": "un mensaje tiene de 1 a 2000 caracteres",
    "a message has up to {} files": "un mensaje lleva hasta {0} archivos",
    "a message has up to {} stickers": "un mensaje lleva hasta {0} pegatinas",
    "a thread's name has 1 to 100 characters": ("el nombre de un hilo tiene de 1 a 100 caracteres"),
    "there is no sticker {}": "no hay ninguna pegatina {0}",
    "the message is by someone else": "el mensaje es de otra persona",
    "slowmode is on in #{}": "#{0} está en modo pausado: espera un poco",
    "{} takes no messages ({})": "{0} no recibe mensajes ({1})",
    "#{} is locked": "#{0} está cerrado",
    "{} may not write in #{}": "no puedes escribir en #{1}",
    "{} may not ask in #{}": "no puedes hacer encuestas en #{1}",
    "{} may not send files in #{}": "no puedes enviar archivos en #{1}",
    "{} may not read in #{}": "no puedes leer en #{1}",
    "{} may not delete messages of others in #{}": "no puedes borrar mensajes ajenos en #{1}",
    "{} may not react in #{}": "no puedes reaccionar en #{1}",
    "{} may not open threads in #{}": "no puedes abrir hilos en #{1}",
    "{} may not manage threads in #{}": "no puedes gestionar hilos en #{1}",
    "Your message could not be sent. It has content that this server does not allow": (
        "No se ha podido enviar tu mensaje. Contiene algo que este servidor no permite"
    ),
    # -- commands --
    "no command /{} is registered": "no hay ningún comando /{0}",
    "/{} can't be used in direct messages": "/{0} no se puede usar en mensajes directos",
    "/{} is not for this member": "/{0} no es para ti",
    "/{} has no subcommand {}": "/{0} no tiene el subcomando {1}",
    "/{} needs a subcommand": "/{0} necesita un subcomando",
    "missing the permission to use application commands here": (
        "te falta el permiso para usar comandos de aplicaciones aquí"
    ),
    "unknown options: {}": "opciones desconocidas: {0}",
    "there is no option {}": "no hay ninguna opción {0}",
    "the option {} is required": "la opción {0} es obligatoria",
    "{} is no choice of {}": "{0} no es un valor de {1}",
    "{} must be true or false": "{0} debe ser verdadero o falso",
    "{} must be a number": "{0} debe ser un número",
    "{} is out of range": "{0} está fuera de los límites",
    "there is no {} to choose": "no hay nada que elegir con el número {0}",
    # -- buttons, selects and forms --
    "there is no such message": "no existe ese mensaje",
    "only the person it was shown to sees this message": (
        "solo ve este mensaje la persona a quien se mostró"
    ),
    "the message is by no bot": "el mensaje no es de ningún bot",
    "the message shows no component {}": "el mensaje no muestra {0}",
    "{} is no button to click": "{0} no es un botón que se pueda pulsar",
    "{} is no select": "{0} no es una lista",
    "{} is disabled": "{0} está desactivado",
    "{} does not take {} values": "{0} no admite {1} valores",
    "{} is not on offer": "{0} no se puede elegir",
    "{} has opened no modal": "{0} no ha abierto ningún formulario",
    "the modal is open on someone else's screen": (
        "el formulario está abierto en la pantalla de otra persona"
    ),
    "the modal has no fields {}": "el formulario no tiene los campos {0}",
    "{} is required": "{0} es obligatorio",
    "{} is too short or too long": "{0} es demasiado corto o demasiado largo",
}
