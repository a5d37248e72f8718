"""What the console keeps on the application."""

from aiohttp import web

from hub.accounts.passwords import Passwords

PASSWORDS = web.AppKey("passwords", Passwords)
