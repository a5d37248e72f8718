"""Words about time in Portuguese, Spanish and English, each with what it means."""

from collections.abc import Iterator, Mapping

# What a token is; `Token` of tokens.py carries a value for some of them.
NUM, DAY, MONTH, UNIT, CLOCK, PART, ORD, DATE = "num", "day", "month", "unit", "clock", "part", "ord", "date"
TODAY, NEXT, IN, EVERY, OTHER, AND, AT, LAST, TO, THE, OF = (
    "today", "next", "in", "every", "other", "and", "at", "last", "to", "the", "of",
)
HALF, WORKDAYS, WEEKEND, YEAR = "half", "workdays", "weekend", "year"

Meaning = tuple[str, int]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)
UNITS = ("minute", "hour", "day", "week", "month", "year")
# Parts of a day, with the hour meant when none is said.
MORNING, AFTERNOON, NIGHT, SMALL_HOURS = 9, 15, 20, 2

_NUMBERS = (
    (1, "one um uma un una uno"), (2, "two dois duas dos"), (3, "three tres"), (4, "four quatro cuatro"),
    (5, "five cinco"), (6, "six seis"), (7, "seven sete siete"), (8, "eight oito ocho"), (9, "nine nove nueve"),
    (10, "ten dez diez"), (11, "eleven onze"), (12, "twelve doze doce"), (15, "fifteen quinze quince"),
    (20, "twenty vinte veinte"), (30, "thirty trinta treinta"), (40, "forty quarenta cuarenta"),
    (45, "fortyfive"), (60, "sixty sessenta sesenta"), (90, "ninety noventa"),
)
_DAYS = (
    "monday,mondays,mon,segunda,segundas,segunda-feira,segundas-feiras,segunda feira,lunes",
    "tuesday,tuesdays,tue,terca,tercas,terca-feira,tercas-feiras,terca feira,martes",
    "wednesday,wednesdays,wed,quarta,quartas,quarta-feira,quartas-feiras,quarta feira,miercoles",
    "thursday,thursdays,thu,quinta,quintas,quinta-feira,quintas-feiras,quinta feira,jueves",
    "friday,fridays,fri,sexta,sextas,sexta-feira,sextas-feiras,sexta feira,viernes",
    "saturday,saturdays,sat,sabado,sabados",
    "sunday,sundays,sun,domingo,domingos",
)
_MONTHS = (
    "january,jan,janeiro,enero", "february,feb,fevereiro,fev,febrero", "march,mar,marco,marzo",
    "april,apr,abril,abr", "may,maio,mayo", "june,jun,junho,junio", "july,jul,julho,julio", "august,aug,agosto",
    "september,sep,sept,setembro,septiembre", "october,oct,outubro,octubre", "november,nov,novembro,noviembre",
    "december,dec,dezembro,diciembre,dic",
)
_UNITS = (
    "minute,minutes,min,mins,minuto,minutos", "hour,hours,hora,horas,hs,hrs", "day,days,dia,dias",
    "week,weeks,semana,semanas", "month,months,mes,meses", "year,years,ano,anos",
)
_ORDINALS = (
    (1, "first primeiro primeira primer primera"), (2, "second segundo"), (3, "third terceiro terceira tercer tercera"),
    (4, "fourth quarto cuarto cuarta"), (5, "fifth quinto"),
)
_PARTS = (
    (
        MORNING,
        "in the morning,this morning,morning,mornings,manha,manhas,de manha,da manha,pela manha,na manha,de la manana,"
        "por la manana,en la manana,de manana,a la manana",
    ),
    (
        AFTERNOON,
        "in the afternoon,this afternoon,afternoon,afternoons,tarde,tardes,a tarde,da tarde,de tarde,pela tarde,"
        "na tarde,de la tarde,por la tarde,en la tarde,esta tarde",
    ),
    (
        NIGHT,
        "at night,in the evening,this evening,evening,evenings,night,nights,noite,noites,noche,noches,a noite,"
        "da noite,de noite,pela noite,na noite,de la noche,por la noche,en la noche,de noche",
    ),
    (SMALL_HOURS, "da madrugada,de madrugada,na madrugada,de la madrugada,por la madrugada"),
)
_OTHERS = (
    ((TODAY, 0), "today,hoje,hoy"),
    ((TODAY, 1), "tomorrow,amanha,manana"),
    ((TODAY, 2), "day after tomorrow,the day after tomorrow,depois de amanha,pasado manana"),
    ((NEXT, 0), "next,coming,que vem,que viene,proximo,proxima,seguinte,siguiente"),
    ((IN, 0), "in,within,daqui a,daqui,dentro de,dentro em,em,en"),
    ((EVERY, 1), "every,each,todo,toda,todo o,toda a,todos os,todas as,cada,a cada,todos los,todas las,"
                 "every single"),
    ((OTHER, 2), "other,alternate,sim,nao,si,alternados,alternadas,alternos"),
    ((AND, 0), "and,e,y,&"),
    ((AT, 0), "at,as,a las,a la,as as,ao,al,a,@,by,por volta das,sobre las,pelas"),
    ((LAST, 0), "last,ultimo,ultima"),
    ((TO, 0), "to,through,ate,until,hasta"),
    ((THE, 0), "the,on,o,os,el,la,los,las,no,na,nos,nas,de manha cedo,this,este,esta,essa,neste,nesta,for,para"),
    ((OF, 0), "of,de,do,da,del"),
    ((HALF, 30), "e meia,y media,half past"),
    ((WORKDAYS, 0), "weekday,weekdays,workday,workdays,working day,business day,business days,dia util,dias uteis,"
                    "dia de semana,dias de semana,dia laborable,dias laborables,dia habil,dias habiles"),
    ((WEEKEND, 0), "weekend,weekends,fim de semana,fins de semana,final de semana,fin de semana,fines de semana"),
)
_FIXED: Mapping[str, tuple[Meaning, ...]] = {
    "daily": ((EVERY, 1), (UNIT, 2)), "diariamente": ((EVERY, 1), (UNIT, 2)),
    "weekly": ((EVERY, 1), (UNIT, 3)), "semanalmente": ((EVERY, 1), (UNIT, 3)), "biweekly": ((EVERY, 2), (UNIT, 3)),
    "fortnightly": ((EVERY, 2), (UNIT, 3)), "quinzenalmente": ((EVERY, 2), (UNIT, 3)),
    "quincenalmente": ((EVERY, 2), (UNIT, 3)),
    "monthly": ((EVERY, 1), (UNIT, 4)), "mensalmente": ((EVERY, 1), (UNIT, 4)), "mensualmente": ((EVERY, 1), (UNIT, 4)),
    "hourly": ((EVERY, 1), (UNIT, 1)), "yearly": ((EVERY, 1), (UNIT, 5)), "annually": ((EVERY, 1), (UNIT, 5)),
    "anualmente": ((EVERY, 1), (UNIT, 5)),
    "mondays": ((EVERY, 1), (DAY, 0)), "tuesdays": ((EVERY, 1), (DAY, 1)), "wednesdays": ((EVERY, 1), (DAY, 2)),
    "thursdays": ((EVERY, 1), (DAY, 3)), "fridays": ((EVERY, 1), (DAY, 4)), "saturdays": ((EVERY, 1), (DAY, 5)),
    "sundays": ((EVERY, 1), (DAY, 6)),
    "cada manana": ((EVERY, 1), (PART, MORNING)), "todas las mananas": ((EVERY, 1), (PART, MORNING)),
    "tonight": ((TODAY, 0), (PART, NIGHT)), "esta noche": ((TODAY, 0), (PART, NIGHT)),
    "noon": ((CLOCK, 720),), "midday": ((CLOCK, 720),), "meio-dia": ((CLOCK, 720),), "meio dia": ((CLOCK, 720),),
    "mediodia": ((CLOCK, 720),), "midnight": ((CLOCK, 0),), "meia-noite": ((CLOCK, 0),), "meia noite": ((CLOCK, 0),),
    "medianoche": ((CLOCK, 0),),
    "meia hora": ((NUM, 30), (UNIT, 0)), "media hora": ((NUM, 30), (UNIT, 0)), "half an hour": ((NUM, 30), (UNIT, 0)),
    "uma hora e meia": ((NUM, 90), (UNIT, 0)), "una hora y media": ((NUM, 90), (UNIT, 0)),
    "an hour and a half": ((NUM, 90), (UNIT, 0)),
    "an hour": ((NUM, 1), (UNIT, 1)), "a minute": ((NUM, 1), (UNIT, 0)), "a day": ((NUM, 1), (UNIT, 2)),
    "a week": ((NUM, 1), (UNIT, 3)), "a month": ((NUM, 1), (UNIT, 4)), "a year": ((NUM, 1), (UNIT, 5)),
    # "eleven" only behind an article: "once" is English too.
    "as once": ((AT, 0), (NUM, 11)), "a las once": ((AT, 0), (NUM, 11)), "las once": ((AT, 0), (NUM, 11)),
    "o'clock": ((UNIT, 1),), "oclock": ((UNIT, 1),), "em ponto": ((UNIT, 1),), "en punto": ((UNIT, 1),),
}


def _entries() -> Iterator[tuple[str, tuple[Meaning, ...]]]:
    for value, words in _NUMBERS:
        yield from ((w, ((NUM, value),)) for w in words.split())
    for value, words in _ORDINALS:
        yield from ((w, ((ORD, value),)) for w in words.split())
    for kind, rows in ((DAY, _DAYS), (MONTH, _MONTHS), (UNIT, _UNITS)):
        for value, words in enumerate(rows):
            yield from ((w, ((kind, value),)) for w in words.split(","))
    for value, words in _PARTS:
        yield from ((w, ((PART, value),)) for w in words.split(","))
    for meaning, words in _OTHERS:
        yield from ((w, (meaning,)) for w in words.split(","))
    yield from _FIXED.items()


WORDS: Mapping[str, tuple[Meaning, ...]] = dict(_entries())
LONGEST = max(len(words.split()) for words in WORDS)
