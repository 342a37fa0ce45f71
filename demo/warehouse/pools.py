"""Pools of invented words that the generator draws from; the only place that asks Faker."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl
from faker import Faker

LOCALES = ("fr_FR", "de_DE", "pt_PT", "en_GB", "it_IT", "es_ES", "nl_NL", "pl_PL")
POOL_SIZE = 240

# code, name, currency, VAT per cent, in the EU, a time zone, weight among customers, dial code
COUNTRIES: tuple[tuple[str, str, str, int, bool, str, int, str], ...] = (
    ("LU", "Luxembourg", "EUR", 17, True, "Europe/Luxembourg", 26, "+352"),
    ("FR", "France", "EUR", 20, True, "Europe/Paris", 22, "+33"),
    ("BE", "Belgium", "EUR", 21, True, "Europe/Brussels", 12, "+32"),
    ("DE", "Germany", "EUR", 19, True, "Europe/Berlin", 12, "+49"),
    ("PT", "Portugal", "EUR", 23, True, "Europe/Lisbon", 7, "+351"),
    ("ES", "Spain", "EUR", 21, True, "Europe/Madrid", 4, "+34"),
    ("IT", "Italy", "EUR", 22, True, "Europe/Rome", 3, "+39"),
    ("NL", "Netherlands", "EUR", 21, True, "Europe/Amsterdam", 3, "+31"),
    ("PL", "Poland", "PLN", 23, True, "Europe/Warsaw", 2, "+48"),
    ("GB", "United Kingdom", "GBP", 20, False, "Europe/London", 2, "+44"),
    ("CH", "Switzerland", "CHF", 8, False, "Europe/Zurich", 2, "+41"),
    ("MA", "Morocco", "MAD", 20, False, "Africa/Casablanca", 1, "+212"),
    ("BR", "Brazil", "BRL", 0, False, "America/Sao_Paulo", 1, "+55"),
    ("CA", "Canada", "CAD", 0, False, "America/St_Johns", 1, "+1"),
    ("US", "United States", "USD", 0, False, "Pacific/Honolulu", 1, "+1"),
    ("IN", "India", "INR", 0, False, "Asia/Kolkata", 1, "+91"),
    ("JP", "Japan", "JPY", 0, False, "Asia/Tokyo", 1, "+81"),
    ("NZ", "New Zealand", "NZD", 0, False, "Pacific/Chatham", 1, "+64"),
)

PRODUCTS = (("erp", "Hosted ERP"), ("crm", "Hosted CRM"), ("mail", "Mail"), ("backup", "Backup"))
PLANS = (
    ("erp", "start", "ERP Start", 1_900),
    ("erp", "team", "ERP Team", 4_900),
    ("erp", "house", "ERP House", 14_900),
    ("crm", "start", "CRM Start", 1_200),
    ("crm", "team", "CRM Team", 3_900),
    ("mail", "box", "Mailbox", 300),
    ("backup", "daily", "Daily backup", 900),
)

TEXTS: dict[str, tuple[str, ...]] = {
    "company": (
        "Sàrl",
        "GmbH",
        "SA",
        "Lda",
        "Ltd",
        "SARL",
        "BV",
        "& Fils",
        "Consulting",
        "Services",
    ),
    "job": ("director", "accountant", "IT", "sales", "office", "purchasing"),
    "employee_job": ("support", "billing", "development", "sales", "operations", "legal"),
    "subject": (
        "Cannot sign in",
        "Question about my invoice",
        "Import of products fails",
        "Please change our VAT number",
        "E-mail not delivered",
        "Upgrade to the next plan",
        "Data export before we leave",
        "Slow since this morning",
    ),
    "question": (
        "Hello, since yesterday the page stays white after the sign-in. Can you help?",
        "Good morning, the last invoice shows our old address, please correct it.",
        "Bonjour, l'import des produits s'arrête à la ligne 12, le fichier est joint.",
        "Guten Tag, wir möchten unsere Daten exportieren; wie geht das?",
        "Olá, preciso de ajuda com o meu acesso.",
        'He said "it worked last week", and now nothing.\nThe log is attached.',
    ),
    "reply": (
        "Thank you for your message; we are looking into it.",
        "This is solved, please try again.",
        "Could you send us a screenshot?",
        "The correction will be on your next invoice.",
    ),
    "complaint": (
        "I was charged twice and nobody answers.",
        "Your agent was rude on the telephone.",
        "My data were shown to a colleague without my consent.",
    ),
    "campaign": ("spring-offer", "release-notes", "webinar", "black-week", "news-monthly"),
    "mail_kind": ("sent", "sent", "sent", "opened", "clicked", "bounced"),
    "user_agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.3 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (compatible; Examplebot/2.1; +http://bot.example/info)",
    ),
    "path": ("/", "/pricing", "/login", "/app/invoices", "/app/contacts", "/docs/start", "/cart"),
    "referrer": (
        "https://search.example/?q=hosted+erp",
        "https://partner.example/links",
        "https://news.example/2024/erp",
    ),
    "pixel_vendor": ("fbpx", "adnet", "retarget"),
    "recipient": (
        "Tribunal d'arrondissement de Diekirch",
        "Administration des contributions directes",
        "Fiduciaire Exemple",
        "Auditor Example LLP",
    ),
    "ground": ("law", "law", "staff-and-contractors", "staff-and-contractors"),
}


@dataclass(frozen=True, slots=True)
class Pools:
    """Columns of words, ready to be gathered by index."""

    first_names: pl.Series
    last_names: pl.Series
    streets: pl.Series
    cities: pl.Series
    countries: pl.DataFrame
    texts: dict[str, pl.Series]


@cache
def make_pools(seed: int) -> Pools:
    """Draw the pools of a seed; the same seed always gives the same words."""
    first: list[str] = []
    last: list[str] = []
    streets: list[str] = []
    cities: list[str] = []
    for number, locale in enumerate(LOCALES):
        fake = Faker(locale)
        fake.seed_instance(seed * 100 + number)
        for _ in range(POOL_SIZE):
            first.append(fake.first_name())
            last.append(fake.last_name())
            streets.append(fake.street_name())
            cities.append(fake.city())
    countries = pl.DataFrame(
        COUNTRIES,
        schema=["code", "name", "currency", "vat_percent", "in_eu", "zone", "weight", "dial"],
        orient="row",
    )
    return Pools(
        first_names=pl.Series(first),
        last_names=pl.Series(last),
        streets=pl.Series(streets),
        cities=pl.Series(cities),
        countries=countries,
        texts={name: pl.Series(words) for name, words in TEXTS.items()},
    )
