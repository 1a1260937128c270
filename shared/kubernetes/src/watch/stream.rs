//! Lines of a watch, one at a time in one buffer.

use futures_util::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use std::io;

/// A line is at most so long: an object has 1.5 MiB in etcd at most, and text of control characters grows sixfold in JSON.
const LINE_BYTES_MAX: u64 = 10 << 20;
/// A buffer that has grown beyond this for one object is given back.
const BUFFER_KEPT: usize = 64 << 10;

/// The lines of a body.
pub(super) struct Lines<R> {
    body: R,
    buffer: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(body: R) -> Self {
        Self { body, buffer: Vec::new() }
    }

    /// The next line that is complete; none at the end. If dropped while it waits, the line is lost.
    pub(super) async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT);
        let mut body = (&mut self.body).take(LINE_BYTES_MAX);
        body.read_until(b'\n', &mut self.buffer).await?;
        if self.buffer.ends_with(b"\n") {
            return Ok(Some(&self.buffer));
        }
        // What broke off in the middle of a line is sent again by the next watch.
        if u64::try_from(self.buffer.len()).is_ok_and(|length| length < LINE_BYTES_MAX) {
            return Ok(None);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a line of a watch is longer than 10 MiB"))
    }
}
