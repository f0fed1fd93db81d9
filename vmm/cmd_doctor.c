/*
 * cmd_doctor.c - `acre doctor`: what this machine offers, line by line, and what to do about what
 * is missing. Nothing is changed; a VM is made and thrown away.
 */
#include "vmm/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/options.h"

struct doctor {
    const char *kvm_path;
    bool help;
    bool can_run;
};

/* Returns: 0; -errno of the write. */
static int say(const char *mark, const char *what, const char *text)
{
    return dprintf(STDOUT_FILENO, "%-8s %-28s %s\n", mark, what, text) < 0 ? -errno : 0;
}

static const char *mark_of(const struct kvm_capability *capability, int value)
{
    if (value > 0) {
        return "ok";
    }
    return capability->need == KVM_OPTIONAL ? "absent" : "MISSING";
}

static void show_capabilities(struct kvm *kvm, struct doctor *doctor)
{
    char text[256];
    int i, value;

    for (i = 0; i < KVM_HAS_NUM; i++) {
        const struct kvm_capability *capability = &kvm_capabilities[i];

        value = kvm_has(kvm, (enum kvm_capability_id)i);
        if (value > 1) {
            (void)snprintf(text, sizeof(text), "%d; %s", value, capability->purpose);
        } else {
            (void)snprintf(text, sizeof(text), "%s", capability->purpose);
        }
        say(mark_of(capability, value), capability->name, text);
        if (value == 0 &&
            (capability->need == KVM_NEEDED || capability->need == KVM_NEEDED_IMPLIED)) {
            doctor->can_run = false;
        }
    }
}

/* Which KVM it is: the hint that explains most surprises. */
static void show_flavour(void)
{
    static const struct {
        const char *path, *text;
    } modules[] = {
        {"/sys/module/kvm_intel", "kvm_intel (VMX)"},
        {"/sys/module/kvm_amd", "kvm_amd (SVM)"},
        {"/sys/module/kvm_pvm", "kvm_pvm: no SSE, x87 or int3 where guest code is emulated"},
    };
    bool found = false;
    size_t i;

    for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        if (access(modules[i].path, F_OK) == 0) {
            say("ok", "KVM flavour", modules[i].text);
            found = true;
        }
    }
    if (!found) {
        say("note", "KVM flavour", "unknown; a nested or software KVM may lack instructions");
    }
}

static void show_kvm(struct doctor *doctor)
{
    struct kvm kvm = {.sys_fd = -1, .vm_fd = -1};
    struct error err;
    int ret = kvm_open(&kvm, doctor->kvm_path, &err);

    if (ret < 0) {
        say("MISSING", doctor->kvm_path, err.text);
        if (ret == -ENOENT) {
            say("", "",
                "try: modprobe kvm_intel or kvm_amd; in a VM, switch nested "
                "virtualisation on; guests can run in scripts/lab meanwhile");
        } else if (ret == -EACCES) {
            say("", "", "or run it as root, or in scripts/lab");
        }
        return;
    }
    say("ok", doctor->kvm_path, "opens, API version 12");
    ret = kvm_create_vm(&kvm, false, &err);
    doctor->can_run = ret == 0;
    if (ret == 0) {
        say("ok", "virtual machine", "can be made");
    } else {
        say("MISSING", "virtual machine", err.text);
    }
    show_flavour();
    show_capabilities(&kvm, doctor);
    kvm_close(&kvm);
}

static void show_seccomp(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
        say("ok", "seccomp", "system calls can be filtered");
    } else {
        say("MISSING", "seccomp", "no filters in this kernel; runs need --sandbox off");
    }
}

static void show_huge_pages(void)
{
    char text[64] = "";
    int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    if (n > 0) {
        text[strcspn(text, "\n")] = '\0';
        say("ok", "transparent huge pages", text);
    } else {
        say("absent", "transparent huge pages", "guests run with 4 KiB pages, a little slower");
    }
}

static bool in_path(const char *tool)
{
    const char *dir = getenv("PATH");
    char path[4096];
    int len;

    while (dir && *dir != '\0') {
        len = (int)strcspn(dir, ":");
        (void)snprintf(path, sizeof(path), "%.*s/%s", len, dir, tool);
        if (access(path, X_OK) == 0) {
            return true;
        }
        dir += len;
        dir += *dir == ':';
    }
    return false;
}

static void show_tools(void)
{
    static const struct {
        const char *tool, *package;
    } tools[] = {
        {"qemu-system-x86_64", "lab: guests without KVM; apt-get install qemu-system-x86"},
        {"busybox", "lab: its userland; apt-get install busybox-static"},
        {"dtc", "boards of your own; apt-get install device-tree-compiler"},
    };
    size_t i;

    for (i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        say(in_path(tools[i].tool) ? "ok" : "absent", tools[i].tool, tools[i].package);
    }
}

static int set_kvm(void *target, const char *value, struct error *err)
{
    struct doctor *doctor = target;

    (void)err;
    doctor->kvm_path = value;
    return 0;
}

static int set_help(void *target, const char *value, struct error *err)
{
    struct doctor *doctor = target;

    (void)value;
    (void)err;
    doctor->help = true;
    return 0;
}

static int refuse(void *target, const char *arg, struct error *err)
{
    (void)target;
    return error_set(err, EINVAL, "%s: takes options only", arg);
}

static const struct option_spec specs[] = {
    {0, "kvm", "PATH", "the KVM device (default /dev/kvm)", set_kvm},
    {'h', "help", NULL, "this text", set_help},
};

enum { SPEC_NUM = sizeof(specs) / sizeof(specs[0]) };

int cmd_doctor(int argc, char **argv)
{
    struct doctor doctor = {.kvm_path = "/dev/kvm"};
    struct utsname host;
    struct error err;
    int ret;

    if (options_parse(specs, SPEC_NUM, argc, argv, &doctor, refuse, &err) < 0) {
        log_error("%s", err.text);
        return STATUS_ACRE_FAILED;
    }
    if (doctor.help) {
        (void)dprintf(STDOUT_FILENO, "usage: acre doctor [options]\n"
                                     "Says what this machine offers for running guests; exit "
                                     "status 0 when one can run, else 125.\n\n");
        return cmd_stdout_status(options_print(STDOUT_FILENO, specs, SPEC_NUM));
    }
    if (uname(&host) == 0) {
        say("ok", "kernel", host.release);
    }
    show_kvm(&doctor);
    show_seccomp();
    show_huge_pages();
    show_tools();
    ret = say(doctor.can_run ? "ok" : "MISSING", "verdict",
              doctor.can_run ? "guests can run here" : "no guest can run here");
    return cmd_stdout_status(ret) != 0 || !doctor.can_run ? STATUS_ACRE_FAILED : 0;
}
