//! Graphics processors: attributes of amdgpu, i915, xe, nouveau and others in sysfs, DRM statistics in fdinfo,
//! and the library of NVIDIA's driver.
//!
//! No reading wakes a GPU. The power state is read first, and of a suspended GPU nothing else is read but what the
//! kernel has in its memory. Nodes in `/dev` are never opened. An active GPU is left alone now and then, because it
//! would not suspend otherwise.

mod columns;
mod device;
mod drm_client;
mod drm_files;
mod energy;
mod fdinfo;
mod gpu_reader;
mod listing;
mod member;
mod memory_sizes;
mod name;
mod number_file;
#[cfg(feature = "nvml")]
mod nvml;
mod pci;
mod quantity;
mod queue_stats;
mod reader;
mod sensor_range;
#[cfg(test)]
mod tests;
mod unreadable;

use std::sync::Arc;

use device::Gpus;
use listing::GpuRegistration;
use member::{Member, Target};
use quantity::GpuQuantity;

use crate::source::{
    self, About, Answered, Deferred, Error, NewMember, Roots, family::Members, pool::Pool,
    runtime_pm::PowerStates,
};

/// The family of the GPUs. It has a member for each quantity of each GPU, so that a client that asks for a
/// temperature causes no reading of the load.
pub(super) struct Family {
    gpus: Arc<Gpus>,
    pool: Pool,
    members: Members<(Target, GpuQuantity, Option<GpuRegistration>)>,
}

impl Family {
    pub(super) fn new(roots: &Roots, pool: &Pool, powers: PowerStates) -> Self {
        Self {
            gpus: Gpus::new(roots, pool, powers),
            pool: pool.clone(),
            members: Members::default(),
        }
    }
}

impl source::Family for Family {
    fn about(&self) -> About<'_> {
        About::new("gpu", &["gpu/*/*"]).of_devices(SUBSYSTEMS)
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        self.gpus.losses.forget();
        let gpus = self.gpus.find()?;
        let all = (!gpus.is_empty()).then_some((Target::All, None));
        let each = gpus
            .iter()
            .map(|gpu| (Target::One(gpu.number), Some(gpu.registration)));
        let mut probe = self.members.probe();
        for (target, registration) in all.into_iter().chain(each) {
            let all = GpuQuantity::ALL.into_iter();
            for quantity in all.filter(|quantity| target != Target::All || quantity.is_summed()) {
                probe.find(&(target, quantity, registration), || {
                    Box::new(Member::new(self.gpus.clone(), target, quantity))
                });
            }
        }
        Ok(probe.finish())
    }

    fn changed(&self) -> bool {
        self.gpus.losses.is_any()
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

/// The members are deferred and share the pool of the family.
impl Deferred for Family {
    fn when_answered(&mut self, tell: Answered) {
        self.pool.when_answered(tell);
    }
}

const SUBSYSTEMS: &[&str] = &["drm"];
