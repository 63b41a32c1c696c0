//! NVIDIA's library NVML, which comes with the driver. It is loaded when it is needed.
//!
//! A process that has initialised NVML keeps a GPU from suspending. So the library is released after an idle
//! timeout. Initialising it takes a good part of a second, so it is called on the blocking pool.

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

use super::quantity::GpuQuantity;
use crate::{
    reading::Fault,
    source::pool::{Job, Pool, Submitted},
};

/// The result of a query: at most two numbers, in the units of the metrics.
pub(super) type QueryResult = Result<[f64; 2], Fault>;

/// A job that queries one quantity of one GPU.
pub(super) type NvmlQuery = Arc<Job<QueryResult>>;

/// The library, and the queries to it.
pub(super) struct Library {
    pool: Pool,
    loaded: Arc<Mutex<LoadedLibrary>>,
    queries: Mutex<HashMap<(String, GpuQuantity), NvmlQuery>>,
}

/// The library while it is initialised, and the task that will release it.
#[derive(Default)]
struct LoadedLibrary {
    library: Option<Result<Nvml, NvmlError>>,
    release: Option<Submitted>,
}

/// The library stays initialised for this long after the last query. GPUs are left alone for longer, so that
/// they can suspend.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A thread that waits longer than this for the library is stuck.
const TIMEOUT: Duration = Duration::from_secs(2);

const QUEUE: &str = "nvml";

impl Library {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            loaded: Arc::default(),
            queries: Mutex::default(),
        }
    }

    /// The query for a quantity of the GPU at this PCI address. The GPU must be active when it runs. The result
    /// is [`Fault::Gone`] if there is no library, or the GPU does not have the quantity.
    pub(super) fn query(&self, address: &str, quantity: GpuQuantity) -> NvmlQuery {
        let mut queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        let query = queries.entry((address.to_owned(), quantity));
        query
            .or_insert_with(|| {
                let address = address.to_owned();
                let loaded = Arc::downgrade(&self.loaded);
                let pool = self.pool.downgrade();
                let run = move || {
                    let (Some(loaded), Some(pool)) = (loaded.upgrade(), pool.upgrade()) else {
                        return Err(Fault::Gone);
                    };
                    query_loaded(&loaded, &pool, IDLE_TIMEOUT, Nvml::init, |library| {
                        query_device(library, &address, quantity)
                    })
                };
                Arc::new(Job::new(&self.pool, &QUEUE.into(), run))
            })
            .clone()
    }
}

/// Runs a query. Initialises the library first if it is not, and releases it when there was no query for
/// `idle_timeout`.
fn query_loaded(
    loaded: &Arc<Mutex<LoadedLibrary>>,
    pool: &Pool,
    idle_timeout: Duration,
    initialise: impl FnOnce() -> Result<Nvml, NvmlError>,
    query: impl FnOnce(&Nvml) -> Result<[f64; 2], NvmlError>,
) -> QueryResult {
    let mut held = lock(loaded);
    // Cancels the release that the last query has submitted.
    held.release = None;
    let result = match held.library.get_or_insert_with(initialise) {
        Ok(library) => query(library).map_err(|error| fault(&error)),
        Err(error) => Err(fault(error)),
    };
    let released = Arc::downgrade(loaded);
    let release = move || {
        if let Some(loaded) = released.upgrade() {
            let library = lock(&loaded).library.take();
            drop(library);
        }
    };
    held.release = Some(pool.submit_later(idle_timeout, &QUEUE.into(), TIMEOUT, release));
    result
}

fn lock(loaded: &Mutex<LoadedLibrary>) -> MutexGuard<'_, LoadedLibrary> {
    loaded.lock().unwrap_or_else(PoisonError::into_inner)
}

fn query_device(
    library: &Nvml,
    address: &str,
    quantity: GpuQuantity,
) -> Result<[f64; 2], NvmlError> {
    let device = library.device_by_pci_bus_id(address)?;
    let clock = |clock| {
        device
            .clock_info(clock)
            .map(|megahertz| [megahertz.into(), 0.0])
    };
    match quantity {
        GpuQuantity::Name => Err(NvmlError::NotSupported),
        GpuQuantity::Usage => Ok([device.utilization_rates()?.gpu.into(), 0.0]),
        GpuQuantity::Memory => {
            let memory = device.memory_info()?;
            Ok([memory.total as f64, memory.used as f64])
        }
        GpuQuantity::CoreFrequency => clock(Clock::Graphics),
        GpuQuantity::MemoryFrequency => clock(Clock::Memory),
        GpuQuantity::Temperature => Ok([device.temperature(TemperatureSensor::Gpu)?.into(), 0.0]),
        // Milliwatts.
        GpuQuantity::Power => Ok([f64::from(device.power_usage()?) / 1000.0, 0.0]),
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
    fn wait(query: &NvmlQuery) -> QueryResult {
        query.ask(crate::reading::monotonic());
        while query.awaited_until().is_some() {
            std::thread::yield_now();
        }
        query.answer().flatten()
    }

    #[test]
    fn without_a_gpu_or_the_library_there_is_no_answer() {
        let library = Library::new(&Pool::new());
        let query = library.query("0000:01:00.0", GpuQuantity::Usage);
        let again = library.query("0000:01:00.0", GpuQuantity::Usage);
        assert!(Arc::ptr_eq(&query, &again));
        // The fault depends on the machine.
        assert!(wait(&query).is_err());
    }

    #[test]
    fn the_library_is_released_when_idle_and_loaded_again() {
        let (pool, loaded) = (Pool::new(), Arc::default());
        let absent = || Err(NvmlError::Uninitialized);
        for _ in 0..2 {
            let result = query_loaded(&loaded, &pool, Duration::from_millis(1), absent, |_| {
                Err(NvmlError::Unknown)
            });
            assert_eq!(result, Err(Fault::Stale));
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
