//! NVIDIA's own library, which is there where its driver is, and is loaded when it is asked for.
//!
//! Whoever has it initialised keeps a GPU from falling asleep. So it is released when nobody has asked for
//! a while. Initialising it takes a good part of a second, so that it is asked on the blocking pool.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nvml_wrapper::{
    Nvml,
    enum_wrappers::device::{Clock, TemperatureSensor},
    error::NvmlError,
};

use super::quantity::Quantity;
use crate::{
    reading::Fault,
    source::pool::{Job, Pool, Submitted},
};

/// What is asked of the library: at most two numbers, in the units of the metrics.
pub(super) type Answer = Result<[f64; 2], Fault>;

/// What asks for one quantity of one GPU.
pub(super) type Question = Arc<Job<Answer>>;

/// The library, and what is asked of it.
pub(super) struct Library {
    pool: Pool,
    loaded: Arc<Mutex<Loaded>>,
    questions: Mutex<HashMap<(String, Quantity), Question>>,
}

/// The library while it is initialised, and what will release it.
#[derive(Default)]
struct Loaded {
    library: Option<Result<Nvml, NvmlError>>,
    release: Option<Submitted>,
}

/// How long the library stays initialised when nobody asks. GPUs are left alone for longer so that they can
/// suspend.
const LINGER: Duration = Duration::from_secs(10);

/// A thread that waits for the library for longer is stuck.
const DEADLINE: Duration = Duration::from_secs(2);

const PLACE: &str = "nvml";

impl Library {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            loaded: Arc::default(),
            questions: Mutex::default(),
        }
    }

    /// What asks for the quantity of the GPU at this PCI address, which must be awake then:
    /// [`Fault::Gone`] where there is no library, or the GPU does not have it.
    pub(super) fn question(&self, address: &str, quantity: Quantity) -> Question {
        let mut questions = self
            .questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let question = questions.entry((address.to_owned(), quantity));
        question
            .or_insert_with(|| {
                let address = address.to_owned();
                let loaded = Arc::downgrade(&self.loaded);
                let pool = self.pool.downgrade();
                let ask = move || {
                    let (Some(loaded), Some(pool)) = (loaded.upgrade(), pool.upgrade()) else {
                        return Err(Fault::Gone);
                    };
                    ask(&loaded, &pool, LINGER, Nvml::init, |library| {
                        answer(library, &address, quantity)
                    })
                };
                Arc::new(Job::new(&self.pool, &PLACE.into(), ask))
            })
            .clone()
    }
}

/// Asks the library, which is initialised if it is not, and released when nobody has asked for as long as
/// `linger`.
fn ask(
    loaded: &Arc<Mutex<Loaded>>,
    pool: &Pool,
    linger: Duration,
    initialise: impl FnOnce() -> Result<Nvml, NvmlError>,
    ask: impl FnOnce(&Nvml) -> Result<[f64; 2], NvmlError>,
) -> Answer {
    let mut held = lock(loaded);
    // The last one is not due any more.
    held.release = None;
    let answer = match held.library.get_or_insert_with(initialise) {
        Ok(library) => ask(library).map_err(|error| fault(&error)),
        Err(error) => Err(fault(error)),
    };
    let released = Arc::downgrade(loaded);
    let release = move || {
        if let Some(loaded) = released.upgrade() {
            let library = lock(&loaded).library.take();
            drop(library);
        }
    };
    held.release = Some(pool.submit_later(linger, &PLACE.into(), DEADLINE, release));
    answer
}

fn lock(loaded: &Mutex<Loaded>) -> MutexGuard<'_, Loaded> {
    loaded.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(library: &Nvml, address: &str, quantity: Quantity) -> Result<[f64; 2], NvmlError> {
    let device = library.device_by_pci_bus_id(address)?;
    let clock = |clock| {
        device
            .clock_info(clock)
            .map(|megahertz| [megahertz.into(), 0.0])
    };
    match quantity {
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

    /// Waits for the next answer.
    fn wait(question: &Question) -> Answer {
        question.ask(crate::reading::monotonic());
        while question.awaited_until().is_some() {
            std::thread::yield_now();
        }
        question.answer().flatten()
    }

    #[test]
    fn without_a_gpu_or_the_library_there_is_no_answer() {
        let library = Library::new(&Pool::new());
        let question = library.question("0000:01:00.0", Quantity::Usage);
        let again = library.question("0000:01:00.0", Quantity::Usage);
        assert!(Arc::ptr_eq(&question, &again));
        // What it says depends on the machine.
        assert!(wait(&question).is_err());
    }

    #[test]
    fn it_is_released_when_nobody_asks_and_comes_back() {
        let (pool, loaded) = (Pool::new(), Arc::default());
        let absent = || Err(NvmlError::Uninitialized);
        for _ in 0..2 {
            let answer = ask(&loaded, &pool, Duration::from_millis(1), absent, |_| {
                Err(NvmlError::Unknown)
            });
            assert_eq!(answer, Err(Fault::Stale));
            while lock(&loaded).library.is_some() {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn faults() {
        assert_eq!(fault(&NvmlError::NotSupported), Fault::Gone);
        assert_eq!(fault(&NvmlError::NoPermission), Fault::Denied);
        assert_eq!(fault(&NvmlError::GpuLost), Fault::Gone);
        assert_eq!(fault(&NvmlError::Unknown), Fault::Stale);
    }
}
