module quoll/peer

go 1.19
