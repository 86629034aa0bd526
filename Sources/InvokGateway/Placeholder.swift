import Invok
