"""What a WSGI server loads: ``gunicorn --no-control-socket --workers 2 --threads 4 wsgi:app``."""

from marketplace import create_app

app = create_app()
