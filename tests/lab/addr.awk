# What `addr` printed, in the words of guest/paging.c: expect CPU ADDRESS LEVELS GPA SIZE TEXT. With
# kvm=1, what KVM_TRANSLATE had to say of each address instead.
function hex(text) {
    sub(/[:,]$/, "", text)
    sub(/^0x0*/, "0x", text)
    return text == "0x" ? "0x0" : text
}
function finish() {
    if (address != "" && kvm) {
        print address, said
    } else if (address != "") {
        print "expect", cpu, address, levels == "" ? "-" : levels, gpa, size, text
    }
}
/^gva / {
    finish()
    address = hex($2)
    cpu = $5 + 0
    levels = text = said = ""
    gpa = size = "-"
}
/^  P(ML[45]E|DPTE|DE|TE) / {
    levels = levels (levels == "" ? "" : ",") hex($4) "=" ($5 == "?" ? "?" : hex($5))
}
/^  a page of / {
    size = $4 $5
    sub(/:$/, "", size)
    size = size == "4KiB" ? "0x1000" : size == "2MiB" ? "0x200000" : \
        size == "4MiB" ? "0x400000" : size == "1GiB" ? "0x40000000" : size
    text = $0
    sub(/^[^:]*: /, "", text)
}
/^  no translation: / {
    text = $0
    sub(/^[^:]*: /, "", text)
}
/^  KVM_TRANSLATE / {
    said = $2
    sub(/:$/, "", said)
}
/^gpa / {
    gpa = hex($2)
}
END {
    finish()
}
