"""One marshmallow schema per document; the HTML forms, the API and the imports read through the same ones.

Each schema refuses unknown keys and loads into the value its journey step takes. Field titles are what a person
reads on the page and in the API's description; messages say what to type.
"""
