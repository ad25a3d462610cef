//! The server as a whole: what its handlers share, and its life from the first connection to the last.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::config::ServerConfig;
use crate::connections;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::room::RoomHandle;
use crate::rooms::Rooms;
use crate::routes::app;
use crate::store::{Disk, Store, StoreError};

/// What all handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: ServerConfig,
    rooms: Rooms,
    store: Option<Arc<dyn Store>>,
    metrics: Arc<Metrics>,
    /// Becomes true once. Rooms, connections and sockets hold receivers, so that the end of the last one shows.
    stop: watch::Sender<bool>,
}

impl Server {
    /// A server without rooms.
    ///
    /// # Errors
    /// If the folder for its data cannot be used.
    pub fn new(config: ServerConfig) -> Result<Self, StoreError> {
        let folder = config.data_dir.as_deref();
        let disk = folder.map(Disk::open).transpose()?;
        let store = disk.map(|disk| Arc::new(disk) as Arc<dyn Store>);
        let shared = Shared {
            config,
            rooms: Rooms::default(),
            store,
            metrics: Arc::default(),
            stop: watch::Sender::new(false),
        };
        Ok(Self(Arc::new(shared)))
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    pub(crate) fn rooms(&self) -> &Rooms {
        &self.0.rooms
    }

    pub(crate) fn store(&self) -> Option<&Arc<dyn Store>> {
        self.0.store.as_ref()
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    pub(crate) fn stop(&self) -> &watch::Sender<bool> {
        &self.0.stop
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.0.stop.borrow()
    }

    /// The room of this code.
    pub(crate) fn room(&self, code: &str) -> Result<Arc<RoomHandle>, ApiError> {
        if self.is_stopping() {
            return Err(ApiError::ServerStops);
        }
        self.rooms()
            .get(code)
            .ok_or_else(|| ApiError::UnknownRoom(code.chars().take(20).collect()))
    }
}

/// Serves on `listener` until `shutdown` comes, then says goodbye to every device and closes every socket, within a
/// bounded time.
///
/// # Errors
/// If the folder for its data cannot be used.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StoreError> {
    let server = Server::new(config)?;
    server.find_rooms()?;
    let stop = server.stop();
    tokio::select! {
        () = connections::accept(listener, app(server.clone()), server.config(), stop) => {}
        () = shutdown => {}
    }
    info!("stopping");
    stop.send_replace(true);
    if timeout(server.config().limits.stop, stop.closed())
        .await
        .is_err()
    {
        warn!("stopped with connections still open");
    }
    Ok(())
}

/// Waits for the server to be told to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without a sender there is no server any more.
    let _ = stop.wait_for(|stopped| *stopped).await;
}
