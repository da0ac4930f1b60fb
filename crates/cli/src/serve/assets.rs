//! The page's files, compiled in.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

const FILES: [(&str, &str, &str); 6] = [
    ("/", "text/html; charset=utf-8", include_str!("../../assets/index.html")),
    ("/style.css", "text/css", include_str!("../../assets/style.css")),
    ("/app.js", "text/javascript", include_str!("../../assets/app.js")),
    ("/graph.js", "text/javascript", include_str!("../../assets/graph.js")),
    ("/panel.js", "text/javascript", include_str!("../../assets/panel.js")),
    ("/synthetic.js", "text/javascript", include_str!("../../assets/synthetic.js")),
];

/// Adds a route per file.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES.into_iter().fold(router, |router, (path, kind, text)| {
        router.route(
            path,
            get(move || async move { ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text) }),
        )
    })
}
