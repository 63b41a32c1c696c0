//! The types of file systems: which of them store files, and where.

use std::path::Path;

use super::Mount;

/// The storage of the files of a file system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A disk of this machine.
    Disk,
    /// The root directory of a container or of a virtual machine, made of directories of the host.
    Root,
    /// Directories of the host that a virtual machine shares.
    Host,
    /// A server.
    Network,
}

/// The types for which a server answers, as systemd (`fstype_is_network` in src/basic/mountpoint-util.c), libmount
/// (`mnt_fstype_is_netfs`) and df (`ME_REMOTE` in gnulib's lib/mountlist.c) know them, without those on block devices.
/// The types 9p, drvfs, hostfs, prl_fs, vboxsf and vmhgfs are directories of the host of a virtual machine, which
/// answers them as a server does.
const NETWORK: [&str; 35] = [
    "9p",
    "acfs",
    "afs",
    "auristorfs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "drvfs",
    "fhgfs",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.curlftpfs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "fuse.vmhgfs-fuse",
    "glusterfs",
    "gpfs",
    "hostfs",
    "lustre",
    "ncp",
    "ncpfs",
    "nfs",
    "nfs4",
    "orangefs",
    "panfs",
    "prl_fs",
    "pvfs2",
    "smb3",
    "smbfs",
    "vboxsf",
    "vmhgfs",
];

/// The types that are on disks of this machine and have no block device of their own: their superblocks span several
/// devices, or a volume of flash memory (ubifs), or a directory of a host that shares its kernel (simfs).
const LOCAL: [&str; 6] = ["bcachefs", "btrfs", "simfs", "ubifs", "vzfs", "zfs"];

/// The types of images, which are full by construction.
const IMAGES: [&str; 8] = [
    "composefs",
    "cramfs",
    "erofs",
    "fuse.snapfuse",
    "fuse.squashfuse",
    "iso9660",
    "romfs",
    "squashfs",
];

/// The types whose files are in memory.
const MEMORY: [&str; 5] = ["devtmpfs", "hugetlbfs", "ramfs", "rootfs", "tmpfs"];

impl Mount {
    /// The storage of its files; none if they are in memory or in an image, or are made up by the kernel or by a program, or
    /// are files of another file system that is mounted, too.
    pub(super) fn kind(&self) -> Option<Kind> {
        let fs_type = &*self.fs_type;
        if self.is_in_memory() || self.is_image() || self.is_snapshot() || fs_type == "autofs" {
            return None;
        }
        let is_on_device = self.device.0 != 0 && !fs_type.starts_with("fuse.");
        if is_on_device || LOCAL.contains(&fs_type) || self.is_program_on_device() {
            return Some(Kind::Disk);
        }
        let is_root = self.mount_point == Path::new("/");
        match () {
            // WSL, gVisor and Kata Containers have their roots from the host.
            () if is_root && matches!(fs_type, "9p" | "drvfs" | "hostfs") => Some(Kind::Root),
            () if self.is_network() => Some(Kind::Network),
            () if is_root => Some(Kind::Root),
            () if fs_type == "virtiofs" => Some(Kind::Host),
            () => None,
        }
    }

    /// Whether a server answers for the file system.
    fn is_network(&self) -> bool {
        NETWORK.contains(&&*self.fs_type) || self.is_remote_program()
    }

    /// Whether a server or a program answers for the file system, and may never answer.
    pub(super) fn may_hang(&self) -> bool {
        self.is_network() || self.is_fuse()
    }

    /// Whether a program answers for the file system.
    fn is_fuse(&self) -> bool {
        self.fs_type.starts_with("fuse") && self.fs_type != "fusectl"
    }

    /// Whether the files are in memory.
    pub(super) fn is_in_memory(&self) -> bool {
        MEMORY.contains(&&*self.fs_type)
    }

    /// Whether no mount of this file system shows more of it than any other: those of subvolumes all tell of the whole.
    pub(super) fn has_subvolumes(&self) -> bool {
        matches!(&*self.fs_type, "bcachefs" | "btrfs")
    }

    /// Whether the source alone says which file system it is, though the superblocks differ: a data set, a device that
    /// is one of several, the directory of a server.
    pub(super) fn is_named_by_source(&self) -> bool {
        self.device.0 == 0 && matches!(self.kind(), Some(Kind::Disk | Kind::Network))
    }

    /// The pool of a ZFS data set, zfsconcepts(7).
    pub(super) fn pool(&self) -> Option<&str> {
        let name = (self.fs_type == "zfs").then_some(&*self.mount_source)?;
        Some(name.split_once('/').map_or(name, |(pool, _)| pool))
    }

    /// Whether the type counts its files: `btrfs_statfs`, `exfat_statfs`, `fat_statfs`, `reiserfs_statfs` and that of
    /// ntfs3 leave `f_files` 0.
    pub(crate) fn has_inodes(&self) -> bool {
        const WITHOUT: [&str; 6] = ["btrfs", "exfat", "msdos", "ntfs3", "reiserfs", "vfat"];
        !WITHOUT.contains(&&*self.fs_type)
    }

    /// An image, or an overlay without a directory to write to: its size is that of its lower layer (`ovl_statfs`).
    fn is_image(&self) -> bool {
        let fs_type = &*self.fs_type;
        IMAGES.contains(&fs_type)
            || fs_type == "overlay"
                && self.is_read_only()
                && self.super_option("upperdir").is_none()
    }

    /// A snapshot of a data set: no name of a data set has an `@`.
    fn is_snapshot(&self) -> bool {
        self.fs_type == "zfs" && self.mount_source.contains('@')
    }

    /// A program that reads a disk: ntfs-3g and apfs-fuse. `/dev/fuse` is the source of programs that name none.
    fn is_program_on_device(&self) -> bool {
        self.is_fuse() && self.mount_source.starts_with("/dev/") && self.mount_source != "/dev/fuse"
    }

    /// A program that asks a server: its source is `host:directory`, which is no path, as gnulib's `ME_REMOTE` has it.
    /// Programs that join directories separate them by colons, too.
    fn is_remote_program(&self) -> bool {
        const JOINING: [&str; 4] = [
            "fuse.mergerfs",
            "fuse.mhddfs",
            "fuse.unionfs",
            "fuse.unionfs-fuse",
        ];
        self.is_fuse()
            && !JOINING.contains(&&*self.fs_type)
            && (self.mount_source.starts_with("//")
                || self.mount_source.contains(':') && !self.mount_source.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<Kind>) {
        let mount = Mount::parse(format!("1 0 {line}").as_bytes()).unwrap();
        assert_eq!(mount.kind(), expected, "{line}");
    }

    #[test]
    fn file_systems_on_disks() {
        for line in [
            "8:1 / / rw - ext4 /dev/sda1 rw",
            "8:1 / /x rw - fuseblk /dev/sda1 rw",
            "0:44 / /x rw - fuse.apfs-fuse /dev/sda2 rw",
            "0:44 / /x rw - ubifs ubi0:rootfs rw",
            "0:44 /@ /x rw - btrfs /dev/disk/by-uuid/1 rw",
            "0:44 / /x rw - bcachefs /dev/sda:/dev/sdb rw",
            "0:44 / /x rw - zfs tank/home rw",
            "0:44 / / rw - simfs /dev/simfs rw",
            "31:4 / /x rw - jffs2 /dev/mtdblock4 rw",
        ] {
            check(line, Some(Kind::Disk));
        }
    }

    #[test]
    fn roots_and_directories_of_hosts() {
        check(
            "0:50 / / rw - overlay overlay rw,lowerdir=a,upperdir=b",
            Some(Kind::Root),
        );
        check("0:50 / / rw - overlay none rw", Some(Kind::Root));
        check(
            "0:50 / / ro - overlay overlay rw,lowerdir=a,upperdir=b",
            Some(Kind::Root),
        );
        check(
            "0:50 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw",
            Some(Kind::Root),
        );
        check("0:50 / / rw - 9p none rw,trans=fd", Some(Kind::Root));
        check("0:50 / / rw - virtiofs kataShared rw", Some(Kind::Root));
        check("0:2 / / rw - lxfs rootfs rw", Some(Kind::Root));
        check("0:50 / / rw - nfs4 10.0.0.1:/root rw", Some(Kind::Network));
        check("0:50 / /share rw - virtiofs home rw", Some(Kind::Host));
    }

    #[test]
    fn servers() {
        for line in [
            "0:44 / /x rw - nfs4 filer:/x rw",
            "0:44 / /x rw - cifs //filer/x rw",
            "0:44 / /x rw - fuse.sshfs u@h: rw",
            "0:44 / /x rw - fuse.juicefs JuiceFS:data rw",
            "0:44 / /x rw - 9p C:\\134 rw",
        ] {
            check(line, Some(Kind::Network));
        }
    }

    #[test]
    fn no_file_systems() {
        for line in [
            "0:44 / / rw - tmpfs tmpfs rw",
            "0:2 / / rw - rootfs rootfs rw",
            "7:0 / / ro - squashfs /dev/loop0 ro",
            "0:44 / / ro - overlay composefs ro,lowerdir+=/a,datadir+=/b",
            "0:44 / /x rw - overlay overlay rw,lowerdir=a,upperdir=b",
            "0:44 / /x rw - zfs tank/home@daily rw",
            "0:44 / /x rw - fuse.portal portal rw",
            "0:44 / /x rw - fuse.gvfsd-fuse gvfsd-fuse rw",
            "0:44 / /x rw - fuse /dev/fuse rw",
            "0:44 / /x rw - fuse.mergerfs a:b rw",
            "0:44 / /x rw - fuse.mergerfs /mnt/a:/mnt/b rw",
            "0:44 / /x rw - fuse.lxcfs lxcfs rw",
            "0:44 / /x rw - ecryptfs /home/.ecryptfs/u rw",
            "0:44 / /x rw - fusectl fusectl rw",
            "0:44 / /x rw - autofs systemd-1 rw",
            "0:44 / /x rw - efivarfs efivarfs rw",
            "0:44 / /x rw - nfsd nfsd rw",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn pools() {
        let pool = |source: &str| {
            let mount = Mount {
                fs_type: "zfs".into(),
                mount_source: source.into(),
                ..Mount::default()
            };
            mount.pool().map(str::to_owned)
        };
        assert_eq!(pool("tank").as_deref(), Some("tank"));
        assert_eq!(pool("rpool/ROOT/x").as_deref(), Some("rpool"));
        assert_eq!(Mount::default().pool(), None);
    }
}
