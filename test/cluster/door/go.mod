module sluice.dev/test/cluster/door

go 1.26
