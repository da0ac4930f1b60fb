//! `sendrecv serve`: the demonstration page and the peers behind it.

mod assets;
mod demo;
mod signalling;

use crate::arguments::Serve;
use axum::Router;
use axum::routing::get;
use sendrecv::IceServer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What every connection needs to know.
pub(crate) struct Shared {
    ice_servers: Vec<IceServer>,
    /// Becomes true when the program is to end.
    ending: watch::Receiver<bool>,
}

pub(crate) fn run(arguments: &Serve) -> Result<(), String> {
    let ice_servers = arguments.ice_servers.iter().map(|url| parse_server(url)).collect::<Result<_, _>>()?;
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(serve(SocketAddr::new(arguments.address, arguments.port), ice_servers))
}

async fn serve(address: SocketAddr, ice_servers: Vec<IceServer>) -> Result<(), String> {
    let listener = TcpListener::bind(address).await.map_err(|error| bind_error(address, &error))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (end, ending) = watch::channel(false);
    let shared = Arc::new(Shared { ice_servers, ending: ending.clone() });
    let router = assets::routes(Router::new()).route("/signal", get(signalling::upgrade)).with_state(shared);

    println!("Open http://{address} in a browser on this machine. Ctrl-C ends the program.");
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            println!("Closing all peers.");
        }
        let _ = end.send(true);
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(ended(ending))
        .await
        .map_err(|error| format!("the web server failed: {error}"))
}

/// Returns once the program is to end.
pub(crate) async fn ended(mut ending: watch::Receiver<bool>) {
    let _ = ending.wait_for(|ended| *ended).await;
}

fn bind_error(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "port {} is taken: choose another with --port, or 0 to let the system choose",
                address.port()
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!("no permission to listen on {address}: ports below 1024 need one")
        }
        io::ErrorKind::AddrNotAvailable => format!("this machine has no address {}", address.ip()),
        _ => format!("cannot listen on {address}: {error}"),
    }
}

/// `turn:user:secret@host:port?transport=tcp`: as in browsers' URLs, with the credentials in front of the host.
fn parse_server(text: &str) -> Result<IceServer, String> {
    let (url, username, credential) =
        match text.split_once(':').and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (credentials, host))) => {
                let (username, credential) = credentials
                    .split_once(':')
                    .ok_or_else(|| format!("{text}: credentials are written user:secret@"))?;
                (format!("{scheme}:{host}"), Some(username.to_owned()), Some(credential.to_owned()))
            }
            None => (text.to_owned(), None, None),
        };
    let server = IceServer { urls: vec![url], username, credential };
    server.validate().map_err(|error| format!("{text}: {error}"))?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stand_in_front_of_the_host() {
        let server = parse_server("turn:me:s3cret@turn.example.org:3478?transport=tcp").unwrap();
        assert_eq!(server.urls, ["turn:turn.example.org:3478?transport=tcp"]);
        assert_eq!((server.username.as_deref(), server.credential.as_deref()), (Some("me"), Some("s3cret")));
    }

    #[test]
    fn a_wrong_server_is_refused_with_its_text() {
        assert!(parse_server("http://example.org").unwrap_err().starts_with("http://example.org: "));
        assert!(parse_server("turn:turn.example.org").is_err(), "TURN needs credentials");
    }

    #[test]
    fn a_taken_port_is_said_so() {
        let error = bind_error("127.0.0.1:80".parse().unwrap(), &io::ErrorKind::AddrInUse.into());
        assert!(error.contains("port 80 is taken"));
    }
}
