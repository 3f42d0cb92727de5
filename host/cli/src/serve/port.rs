//! The balancer's port: taken at the start, so that a clash is told at once, and listened on when
//! there is somebody to answer. Until then a connection is refused, and does not hang.

use std::io;
use std::net::SocketAddr;

use anyhow::{Result, anyhow};
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A port that is taken.
pub struct Port {
    socket: TcpSocket,
    /// Its address.
    pub address: SocketAddr,
}

impl Port {
    /// Takes it.
    ///
    /// # Errors
    /// Where another program has it, or the host is none of this machine's.
    pub async fn take(host: &str, port: u16) -> Result<Self> {
        let addresses = lookup_host((host, port)).await.map_err(|e| refused(host, port, &e))?;
        let mut why = io::Error::other("the host has no address");
        for address in addresses {
            match bind(address) {
                Ok(taken) => return Ok(taken),
                Err(error) => why = error,
            }
        }
        Err(refused(host, port, &why))
    }

    /// Listens on it.
    ///
    /// # Errors
    /// Where another program has begun to listen there meanwhile.
    pub fn listen(self) -> Result<TcpListener> {
        let Port { socket, address } = self;
        socket.listen(BACKLOG).map_err(|e| refused(&address.ip().to_string(), address.port(), &e))
    }
}

fn bind(address: SocketAddr) -> io::Result<Port> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a balancer before that still end keep nobody from the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Port { address: socket.local_addr()?, socket })
}

fn refused(host: &str, port: u16, error: &io::Error) -> anyhow::Error {
    let taken = error.kind() == io::ErrorKind::AddrInUse;
    let why = if taken { "another program listens there".into() } else { error.to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    anyhow!("cannot listen on {host}:{port}: {why}; choose another with --port or RINGWRIGHT_PORT")
}
