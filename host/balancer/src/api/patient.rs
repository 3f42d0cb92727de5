//! Streams that wait for their client, but not for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take nothing of what it is sent.
pub(super) const WRITE_WITHIN: Duration = Duration::from_secs(30);

/// How long what a client still sends is read, once all is said, and how long it may pause.
const LINGER: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);

/// A stream whose writes fail where the client takes nothing for long, and that ends only when the
/// client has stopped sending: bytes that nobody reads make the system reset a connection, and the
/// client loses the answer that says why it was not heard out.
pub(super) struct Patient<S> {
    stream: S,
    stuck: Option<Pin<Box<Sleep>>>,
    lingers: Option<Linger>,
}

struct Linger {
    quiet: Pin<Box<Sleep>>,
    until: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Patient<S> {
    pub(super) fn new(stream: S) -> Self {
        Patient { stream, stuck: None, lingers: None }
    }

    /// A write's outcome; none in time is one, too.
    fn in_time(
        &mut self,
        cx: &mut Context,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(WRITE_WITHIN)));
        stuck.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Linger {
    fn new() -> Self {
        Linger { quiet: Box::pin(sleep(PAUSE)), until: Instant::now() + LINGER }
    }

    /// Reads what still comes, and forgets it.
    fn poll(&mut self, cx: &mut Context, stream: &mut (impl AsyncRead + Unpin)) -> Poll<()> {
        let mut bytes = [0; 8192];
        loop {
            let mut read = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    self.quiet.as_mut().reset(self.until.min(Instant::now() + PAUSE));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.quiet.as_mut().poll(cx),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context,
        buf: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context,
        bufs: &[IoSlice],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        let Patient { stream, lingers, .. } = self.get_mut();
        if lingers.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        lingers.get_or_insert_with(Linger::new).poll(cx, stream).map(Ok)
    }
}
