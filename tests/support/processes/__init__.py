"""What the fault tests are made of: the real process and what is done to it, clients that write down what they were told,
and the comparison of both with the file that was left behind."""
