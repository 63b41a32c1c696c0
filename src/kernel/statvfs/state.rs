//! The state of a mounted file system: its job, and what its answers have said.

use super::{
    point::{MountPoint, Points},
    properties::{ALL, PROPERTIES},
    space::SpaceUsage,
};
use crate::{
    kernel::mountinfo::{Counting, FileSystem, Mount},
    reading::Fault,
    source::pool::{Job, Pool},
};

/// The job that reads a file system, and its mount points.
pub(super) struct MountState {
    points: Vec<MountPoint>,
    pub(super) job: Job<Result<SpaceUsage, Fault>>,
    pub(super) counting: Counting,
    /// Which of the [`PROPERTIES`] have a metric.
    pub(super) described: Described,
    /// The size that their maximums are made of; 0 if it is not known.
    size: u64,
    /// Which of them its type may have.
    of_type: Described,
    /// It was not at its mount points when it was read last. It is sought once.
    is_lost: bool,
    /// It did not answer in time at its first mount point, and has another one.
    is_late: bool,
    /// The number of mount points that did not answer in time.
    late: usize,
}

pub(super) type Described = [bool; PROPERTIES.len()];

impl MountState {
    /// The state of a file system. One that is unchanged keeps its job, so that one that hangs has one job, however often
    /// it is discovered; of its mount points, each is tried once.
    pub(super) fn new(
        pool: &Pool,
        before: Option<Self>,
        file_system: &FileSystem,
        points: Vec<MountPoint>,
    ) -> Self {
        let counting = file_system.counting.clone();
        let has_inodes = file_system.mounts.iter().all(Mount::has_inodes);
        let of_type = std::array::from_fn(|property| property < ALL || has_inodes);
        let before = before.filter(|before| before.points == points);
        let mut state = match before {
            Some(before) if before.is_lost || before.is_late => {
                let late = before.late.saturating_add(before.is_late.into());
                let job = job(pool, &points, late);
                Self {
                    job,
                    late,
                    is_late: false,
                    ..before
                }
            }
            Some(before) => before,
            None => Self {
                job: job(pool, &points, 0),
                points,
                counting: Counting::Elsewhere,
                described: of_type,
                size: 0,
                of_type,
                is_lost: false,
                is_late: false,
                late: 0,
            },
        };
        state.counting = counting;
        state.of_type = of_type;
        state
    }

    /// Decides which properties have a metric, by the last answer.
    pub(super) fn describe(&mut self) {
        let answer = self.job.answer().flatten();
        self.described = self.properties(answer);
        self.size = answer.map_or(0, |usage| usage.total);
    }

    /// Which properties have a metric after this answer. There is none for what a file system does not tell.
    fn properties(&self, answer: Result<SpaceUsage, Fault>) -> Described {
        let told = answer.map_or([true; PROPERTIES.len()], SpaceUsage::has_values);
        std::array::from_fn(|property| self.of_type[property] && told[property])
    }

    /// Notes what an answer says about the file system. Returns whether it is to be discovered again.
    pub(super) fn note(&mut self, answer: Result<SpaceUsage, Fault>) -> bool {
        let has_next = self.late.saturating_add(1) < self.points.len();
        match answer {
            Err(Fault::Gone) => !std::mem::replace(&mut self.is_lost, true),
            Err(Fault::Timeout) if has_next => !std::mem::replace(&mut self.is_late, true),
            Err(_) => false,
            Ok(usage) => {
                self.is_lost = false;
                // The size of a data set of a pool changes with each byte that the others take.
                let is_resized = usage.total.abs_diff(self.size) > self.size / 64;
                is_resized || self.properties(answer) != self.described
            }
        }
    }
}

/// The job that reads a file system at its mount points, of which so many are tried last.
fn job(pool: &Pool, points: &[MountPoint], late: usize) -> Job<Result<SpaceUsage, Fault>> {
    let mut points = points.to_owned();
    let late = late.min(points.len());
    points.rotate_left(late);
    let first = points.first().map(|point| point.path.to_string_lossy());
    let queue = first.unwrap_or_default().into();
    let points = Points::new(points);
    Job::new(pool, &queue, move || points.read_usage())
}
