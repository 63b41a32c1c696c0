//! A watch on the client's side: the crossings of a threshold, as a stream.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use zbus::{Message, Variant};

use crate::{
    client::Client,
    error::Error,
    options::{OptionsDict, microseconds},
    signals::Signals,
    wire::INTERFACE,
};

/// A direction in which a metric crosses a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Upwards: the value is greater than the threshold.
    #[default]
    Above,
    /// Downwards: the value is less than the threshold.
    Below,
}

impl Direction {
    /// Its word on the bus: `above` or `below`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// The options of a watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchOptions {
    /// The direction in which a metric crosses. The other one is the return.
    pub direction: Direction,
    /// Whether the return is told, too.
    pub recovery: bool,
    /// How far behind the threshold a value has to be to have returned, in the unit of the metric.
    pub hysteresis: f64,
    /// How long all readings have to be beyond the threshold, or back.
    pub hold: Duration,
    /// The time between readings.
    pub interval: Duration,
    /// A label that is shown to the user.
    pub label: String,
    /// Allows a selector that matches nothing. Its metrics are watched once they appear.
    pub optional: bool,
    /// The ids of metrics that have crossed already, as an earlier watch has told. They do not cross again before they
    /// have returned. For a watch that goes on after its service has ended.
    pub crossed: Vec<String>,
}

impl Default for WatchOptions {
    /// Upwards, without the return; no hysteresis and no hold; a reading each second.
    fn default() -> Self {
        Self {
            direction: Direction::Above,
            recovery: false,
            hysteresis: 0.0,
            hold: Duration::ZERO,
            interval: Duration::from_secs(1),
            label: String::new(),
            optional: false,
            crossed: Vec::new(),
        }
    }
}

impl WatchOptions {
    fn options(&self) -> OptionsDict<'_> {
        let mut options = OptionsDict::from([
            ("direction", Variant::from(self.direction.as_str())),
            ("recovery", Variant::from(self.recovery)),
            ("optional", Variant::from(self.optional)),
            ("hysteresis", Variant::from(self.hysteresis)),
            ("hold", Variant::from(microseconds(self.hold))),
            ("interval", Variant::from(microseconds(self.interval))),
        ]);
        if !self.label.is_empty() {
            options.insert("label", Variant::from(self.label.as_str()));
        }
        if !self.crossed.is_empty() {
            let crossed: Vec<&str> = self.crossed.iter().map(String::as_str).collect();
            options.insert("crossed", Variant::from(crossed));
        }
        options
    }
}

/// A metric has crossed a threshold, or returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// The moment of the reading, in microseconds since the Unix epoch. With a hold it is the end of that time.
    pub timestamp: u64,
    /// The id of the metric.
    pub id: String,
    /// The value that was read, in the unit of the metric.
    pub value: f64,
    /// The direction. It is a return if the watch has the other one.
    pub direction: Direction,
}

/// A watch: the crossings of a threshold. It ends with [`stop`](Self::stop), or when it is dropped.
///
/// It has a connection of its own: see [`Session`](crate::Session). Crossings that are not taken do not get lost: the
/// service keeps the last one of each metric in each direction, and tells it when there is room again.
///
/// ```no_run
/// # async fn example() -> Result<(), sampled_client::Error> {
/// use sampled_client::{Client, WatchOptions};
///
/// let client = Client::connect().await?;
/// let options = WatchOptions { hysteresis: 5.0, recovery: true, ..WatchOptions::default() };
/// let mut watch = client.watch("lmsensors/*/temp*", 85.0, options).await?;
/// loop {
///     let crossing = watch.next().await?;
///     println!("{} is {}: {}", crossing.id, crossing.direction.as_str(), crossing.value);
/// }
/// # }
/// ```
pub struct Watch {
    client: Client,
    signals: Signals,
}

impl Client {
    /// Watches metrics for crossings of a threshold, which is in their unit.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`], [`Error::InvalidSelector`], [`Error::InvalidInterval`], [`Error::LimitExceeded`];
    /// [`Error::InvalidArgs`] if a number is not finite, the hysteresis is negative, or all metrics are texts.
    pub async fn watch(
        &self,
        selector: &str,
        threshold: f64,
        options: WatchOptions,
    ) -> Result<Watch, Error> {
        let client = Self::on(self.bus().another_connection().await?).await?;
        let bus = client.bus();
        let signals = Signals::listen(bus.connection(), INTERFACE);
        let mut signals = bus.ask(signals).await?;
        let proxy = client.proxy().inner();
        let arguments = (selector, threshold, &options.options());
        let reply = bus
            .call(async || proxy.call_method("Watch", &arguments).await)
            .await?;
        let watch = reply.body().deserialize()?;
        signals.follow(&reply, watch);
        Ok(Watch { client, signals })
    }
}

impl Watch {
    /// The number of the watch.
    pub fn id(&self) -> u32 {
        self.signals.session()
    }

    /// The next crossing. Cancel safe: dropping the future loses no crossing.
    ///
    /// # Errors
    /// [`Error::Ended`], once the watch is over or the service is gone.
    pub async fn next(&mut self) -> Result<Crossing, Error> {
        poll_fn(|context| self.poll_crossing(context)).await
    }

    fn poll_crossing(&mut self, context: &mut Context<'_>) -> Poll<Result<Crossing, Error>> {
        loop {
            let message = ready!(self.signals.poll(context))?;
            if let Some(crossing) = self.take(&message)? {
                return Poll::Ready(Ok(crossing));
            }
        }
    }

    /// Ends the watch.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`], if it is over already.
    pub async fn stop(self) -> Result<(), Error> {
        self.client.stop(self.id()).await
    }

    /// The crossing in a signal, if it carries one of this watch.
    fn take(&self, message: &Message) -> Result<Option<Crossing>, Error> {
        let header = message.header();
        if header.member().is_none_or(|member| member != "Crossed") {
            return Ok(None);
        }
        let body = message.body();
        let (watch, timestamp, id, value, direction): (u32, u64, &str, f64, &str) =
            body.deserialize()?;
        if watch != self.id() {
            return Ok(None);
        }
        Ok(Some(Crossing {
            timestamp,
            id: id.to_owned(),
            value,
            direction: match direction {
                "above" => Direction::Above,
                "below" => Direction::Below,
                _ => return Err(Error::Bus(zbus::Error::InvalidReply)),
            },
        }))
    }
}

/// The crossings. The last item is the error [`Error::Ended`].
impl Stream for Watch {
    type Item = Result<Crossing, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let watch = self.get_mut();
        if watch.signals.is_over() {
            return Poll::Ready(None);
        }
        watch.poll_crossing(context).map(Some)
    }
}
