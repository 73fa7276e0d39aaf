module sluice.dev/test/cluster/probe

go 1.26
