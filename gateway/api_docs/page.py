"""The published document as a page to read."""

import asyncio

from aiohttp import web

from gateway.api_docs.swagger_ui import SCRIPT, STYLESHEET, swagger_files
from gateway.app_keys import RENDERER
from gateway.pages.api_docs_view import ApiDocsPage
from groundwork.operations import ApiRoutes
from groundwork.pages import Page, html_response

routes = web.RouteTableDef()
api_routes = ApiRoutes("Documentation")


@api_routes.get("/api/docs")
async def docs(request: web.Request) -> Page:
    """Show this document as a page, in the reader's language but for what it says itself."""
    files = await asyncio.to_thread(swagger_files)
    view = ApiDocsPage(script_url=files.url(SCRIPT), stylesheet_url=files.url(STYLESHEET))
    return html_response(request, request.app[RENDERER], "api_docs.html", view)


@routes.get(r"/static/{path:swagger/.+}")
async def swagger_file(request: web.Request) -> web.Response:
    """Answer a file of Swagger UI."""
    files = await asyncio.to_thread(swagger_files)
    return await files.handle(request)
