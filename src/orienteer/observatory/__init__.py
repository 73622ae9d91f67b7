"""The observatory: a local web page over a run and a store, to test a model's sense of space by hand. Reads only."""

from orienteer.errors import needs

with needs("observe", "fastapi", "starlette", "uvicorn"):
    import fastapi
    import uvicorn

__all__ = ["fastapi", "uvicorn"]
