"""Every address of the workbench: one table, put together from those of the pages. A new page adds one line."""

from __future__ import annotations

from vasari.app.web import static_files
from vasari.app.web.api import jobs, schema, uploads, visitors, works
from vasari.app.web.iiif import image_service, presentation
from vasari.app.web.pages import (
    account,
    admin,
    gallery,
    generate,
    lab,
    log_in,
    preferences,
    restore,
    studio,
    style,
    time,
    work,
)
from vasari.app.web.pages import jobs as jobs_page
from vasari.app.web.route import Route

ROUTES: tuple[Route, ...] = (
    *static_files.ROUTES,
    *preferences.ROUTES,
    *log_in.ROUTES,
    *account.ROUTES,
    *admin.ROUTES,
    *schema.ROUTES,
    *visitors.ROUTES,
    *works.ROUTES,
    *jobs_page.ROUTES,
    *jobs.ROUTES,
    *uploads.ROUTES,
    *image_service.ROUTES,
    *presentation.ROUTES,
    *gallery.ROUTES,
    *work.ROUTES,
    *studio.ROUTES,
    *restore.ROUTES,
    *style.ROUTES,
    *generate.ROUTES,
    *time.ROUTES,
    *lab.ROUTES,
)
