//! NVIDIA's own library, which is there where its driver is, and is loaded when it is asked for.
//!
//! Whoever has it initialised keeps a GPU from falling asleep. So it lives on a thread of its own,
//! which ends, and the library with it, when nobody has asked for a while. Initialising it takes a
//! good part of a second, and who asks does not wait for that.

use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use nvml_wrapper::{
    Nvml,
    enum_wrappers::device::{Clock, TemperatureSensor},
    error::NvmlError,
};

use super::quantity::Quantity;
use crate::reading::Fault;

/// What is asked of the library: at most two numbers, in the units of the metrics.
pub(super) type Answer = Result<[f64; 2], Fault>;

/// The library, if somebody has asked for it lately.
#[derive(Default)]
pub(super) struct Library {
    worker: Mutex<Option<SyncSender<Request>>>,
}

struct Request {
    address: String,
    quantity: Quantity,
    reply: SyncSender<Answer>,
}

/// How long the library stays initialised when nobody asks. A GPU's rest is longer.
const LINGER: Duration = Duration::from_secs(10);

/// How long is waited for an answer; what is healthy takes a millisecond or two.
const PATIENCE: Duration = Duration::from_millis(20);

/// How many questions may wait for a library that does not answer.
const WAITING: usize = 32;

impl Library {
    /// The quantity of the GPU at this PCI address, which must be awake: [`Fault::Gone`] where
    /// there is no library, or the GPU does not have it.
    pub(super) fn ask(&self, address: &str, quantity: Quantity) -> Answer {
        let (reply, answer) = sync_channel(1);
        let request = Request {
            address: address.to_owned(),
            quantity,
            reply,
        };
        self.send(request)?;
        answer.recv_timeout(PATIENCE).map_err(|cause| match cause {
            RecvTimeoutError::Timeout => Fault::Timeout,
            RecvTimeoutError::Disconnected => Fault::Stale,
        })?
    }

    fn send(&self, mut request: Request) -> Result<(), Fault> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = worker.as_ref() {
            request = match worker.try_send(request) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(_)) => return Err(Fault::Timeout),
                // It has ended, because nobody asked.
                Err(TrySendError::Disconnected(request)) => request,
            };
        }
        let (sender, requests) = sync_channel(WAITING);
        sender.try_send(request).map_err(|_| Fault::Timeout)?;
        let builder = thread::Builder::new().name("nvml".to_owned());
        let started = builder.spawn(move || serve(&requests, Nvml::init(), LINGER));
        started.map_err(|_| Fault::Stale)?;
        *worker = Some(sender);
        Ok(())
    }
}

/// Answers until nobody has asked for as long as `linger`; then the library is released.
fn serve(requests: &Receiver<Request>, library: Result<Nvml, NvmlError>, linger: Duration) {
    while let Ok(request) = requests.recv_timeout(linger) {
        let answer = match &library {
            Ok(library) => answer(library, &request).map_err(|error| fault(&error)),
            Err(error) => Err(fault(error)),
        };
        // Who asked may have lost patience.
        let _ = request.reply.try_send(answer);
    }
}

fn answer(library: &Nvml, request: &Request) -> Result<[f64; 2], NvmlError> {
    let device = library.device_by_pci_bus_id(request.address.as_str())?;
    let clock = |clock| {
        device
            .clock_info(clock)
            .map(|megahertz| [megahertz.into(), 0.0])
    };
    match request.quantity {
        Quantity::Name => Err(NvmlError::NotSupported),
        Quantity::Usage => Ok([device.utilization_rates()?.gpu.into(), 0.0]),
        Quantity::Memory => {
            let memory = device.memory_info()?;
            Ok([memory.total as f64, memory.used as f64])
        }
        Quantity::CoreFrequency => clock(Clock::Graphics),
        Quantity::MemoryFrequency => clock(Clock::Memory),
        Quantity::Temperature => Ok([device.temperature(TemperatureSensor::Gpu)?.into(), 0.0]),
        // Milliwatts.
        Quantity::Power => Ok([f64::from(device.power_usage()?) / 1000.0, 0.0]),
    }
}

fn fault(error: &NvmlError) -> Fault {
    match error {
        NvmlError::LibloadingError(_)
        | NvmlError::LibraryNotFound
        | NvmlError::FailedToLoadSymbol(_)
        | NvmlError::DriverNotLoaded
        | NvmlError::NotFound
        | NvmlError::NotSupported
        | NvmlError::GpuLost => Fault::Gone,
        NvmlError::NoPermission | NvmlError::OperatingSystem => Fault::Denied,
        NvmlError::Timeout => Fault::Timeout,
        _ => Fault::Stale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(reply: SyncSender<Answer>) -> Request {
        Request {
            address: "0000:01:00.0".to_owned(),
            quantity: Quantity::Usage,
            reply,
        }
    }

    #[test]
    fn without_the_library_there_is_no_gpu() {
        let absent = Nvml::builder()
            .lib_path("libno-such-library.so.1".as_ref())
            .init();
        let (sender, requests) = sync_channel(1);
        let (reply, answer) = sync_channel(1);
        sender.send(question(reply)).unwrap();
        drop(sender);
        serve(&requests, absent, LINGER);
        assert_eq!(answer.recv(), Ok(Err(Fault::Gone)));
    }

    #[test]
    fn it_is_released_when_nobody_asks_and_comes_back() {
        let (sender, requests) = sync_channel(1);
        let serving = thread::spawn(move || {
            serve(
                &requests,
                Err(NvmlError::Uninitialized),
                Duration::from_millis(1),
            );
        });
        serving.join().unwrap();
        let library = Library {
            worker: Mutex::new(Some(sender)),
        };
        let (reply, answer) = sync_channel(1);
        library.send(question(reply)).unwrap();
        // What it says depends on the machine; the new worker says something.
        assert!(answer.recv().is_ok());
    }

    #[test]
    fn faults() {
        assert_eq!(fault(&NvmlError::NotSupported), Fault::Gone);
        assert_eq!(fault(&NvmlError::NoPermission), Fault::Denied);
        assert_eq!(fault(&NvmlError::GpuLost), Fault::Gone);
        assert_eq!(fault(&NvmlError::Unknown), Fault::Stale);
    }
}
