//! Clients as tower services, and serving with a tower service.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::{Decode, Encode};
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Mutex;
use tokio::time::timeout_at;
use tower_service::Service;

use super::{Caller, Client, Connection, Link, clock};
use crate::error::{CallError, Cause, Error, Operation};
use crate::profile::Timeouts;
use crate::session::{Concurrency, NotBegun, Sent};
use crate::{FramingPair, Message, Profile};

type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Makes each request a call of the link. The service is always ready. Waiting for room among the calls in flight
/// counts towards the time limit of the call.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::Duplex, tokio::Link};
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// let profile = Profile::builder("net:2".parse::<Framing>()?).exchange(Duplex::new().key("0:4".parse()?)).build()?;
/// let (link, _) = Link::new(profile, "switch.example:7000")?;
/// let mut service = ServiceBuilder::new().concurrency_limit(16).service(link);
/// let reply = service.ready().await?.call("0001 hello".into()).await?;
/// # Ok(())
/// # }
/// ```
///
/// If several addresses all serve, tower can balance: it picks two links at random and uses the one with fewer pending
/// requests. Each link may have backup addresses of its own.
///
/// ```no_run
/// # async fn example(profile: framelink_transport::Profile) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use std::sync::Arc;
/// use framelink_transport::tokio::{Link, Upstream};
/// use tower::balance::p2c::Balance;
/// use tower::discover::ServiceList;
/// use tower::load::{CompleteOnResponse, PendingRequestsDiscover};
/// use tower::{Service, ServiceExt};
///
/// let profile = Arc::new(profile);
/// let (a, _) = Link::over(Upstream::new(&profile, ["a.example:7000", "backup.example:7000"]))?;
/// let (b, _) = Link::over(Upstream::new(&profile, ["b.example:7000", "backup.example:7000"]))?;
/// let links = PendingRequestsDiscover::new(ServiceList::new([a, b]), CompleteOnResponse::default());
/// let mut balance = Balance::new(links);
/// let reply = balance.ready().await?.call("0001 hello".into()).await?;
/// # Ok(())
/// # }
/// ```
impl Service<Bytes> for Link {
    type Response = Message;
    type Error = CallError;
    type Future = Boxed<Message, CallError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Bytes) -> Self::Future {
        let link = self.clone();
        // Calls the inherent `call`, not the one of the trait.
        Box::pin(async move { Self::call(&link, &request).await })
    }
}

/// A [`Caller`] with one time limit for all calls, as a tower service. [`Caller::timed`] creates it.
pub struct Timed<C: Decode + Encode = FramingPair, W = OwnedWriteHalf> {
    caller: Caller<C, W>,
    within: Duration,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Caller<C, W> {
    /// Makes the caller a tower service whose calls have the time limit `within`.
    ///
    /// ```no_run
    /// # async fn example(caller: framelink_transport::tokio::Caller) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use tower::{Service, ServiceExt};
    ///
    /// let mut service = caller.timed(Duration::from_secs(5));
    /// let reply = service.ready().await?.call("0001 hello".into()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn timed(self, within: Duration) -> Timed<C, W> {
        Timed { caller: self, within }
    }
}

impl<C, W> Service<Bytes> for Timed<C, W>
where
    C: Decode + Encode + Send + Sync + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Response = Message;
    type Error = CallError<<C as Decode>::Error, <C as Encode>::Error>;
    type Future = Boxed<Message, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Bytes) -> Self::Future {
        let (caller, within) = (self.caller.clone(), self.within);
        Box::pin(async move { caller.call(&request, within).await })
    }
}

impl<C: Decode + Encode, W> Clone for Timed<C, W> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), within: self.within }
    }
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> fmt::Debug for Timed<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("caller", &self.caller).field("within", &self.within).finish()
    }
}

/// A [`Client`] as a tower service. The client makes one exchange at a time, so requests wait for each other. Clones
/// share the client. [`Client::sequential`] creates it.
#[derive(Clone, Debug)]
pub struct Sequential {
    client: Arc<Mutex<Client>>,
    within: Duration,
}

impl Client {
    /// Makes the client a tower service. The time limit, `timeouts.reply`, includes waiting for earlier requests.
    ///
    /// ```no_run
    /// # async fn example(client: framelink_transport::tokio::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use tower::{Service, ServiceExt};
    ///
    /// let mut service = client.sequential();
    /// let reply = service.ready().await?.call("0800...".into()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sequential(self) -> Sequential {
        let within = self.profile().timeouts().reply.unwrap_or(Timeouts::REPLY);
        Sequential { client: Arc::new(Mutex::new(self)), within }
    }
}

impl Service<Bytes> for Sequential {
    type Response = Message;
    type Error = CallError;
    type Future = Boxed<Message, CallError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Bytes) -> Self::Future {
        let (client, within) = (Arc::clone(&self.client), self.within);
        Box::pin(async move {
            let deadline = clock::within(within);
            let Ok(mut client) = timeout_at(deadline, client.lock()).await else {
                let cause = Cause::NotBegun(NotBegun::Full { window: 1 });
                return Err(CallError::new(Sent::Not, Error::new(Operation::Call, None, cause)));
            };
            client.call_until(&request, deadline, within).await
        })
    }
}

impl<C: Decode + Encode> Connection<C> {
    /// Answers the messages of a client with a tower service. This is [`serve_many`](Self::serve_many) with clones of
    /// the service as handlers; each clone is polled until it is ready. The response is the reply, if any.
    ///
    /// The service must have no errors. Convert errors to replies first, for example with `ServiceExt::map_result`.
    ///
    /// ```no_run
    /// # async fn example(connection: framelink_transport::tokio::Connection, profile: framelink_transport::Profile)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Message, session::Concurrency};
    /// use tower::{ServiceBuilder, service_fn};
    ///
    /// let echo = service_fn(|request: Message| async move { Ok::<_, std::convert::Infallible>(request.to_vec()) });
    /// let service = ServiceBuilder::new().concurrency_limit(16).service(echo);
    /// connection.serve_service(&profile, Concurrency::new(64), service).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails like [`serve_many`](Self::serve_many).
    pub async fn serve_service<S>(
        self,
        profile: &Profile,
        concurrency: Concurrency,
        service: S,
    ) -> Result<u64, Error<<C as Decode>::Error, <C as Encode>::Error>>
    where
        S: Service<Message, Error = Infallible> + Clone,
        S::Response: Into<Option<Vec<u8>>>,
    {
        let answer = |request| {
            let mut service = service.clone();
            async move {
                let Ok(()) = poll_fn(|context| service.poll_ready(context)).await;
                let Ok(reply) = service.call(request).await;
                reply.into()
            }
        };
        self.serve_many(profile, concurrency, answer).await
    }
}
